-- Makes an empty chunk with exactly this range. The Apache edition has no function for that: there the
-- interval is the range's for a moment, because TimescaleDB aligned the range by it when it was made.
-- If the chunk still comes out another one, finish_rehydrate refuses it.
CREATE OR REPLACE FUNCTION @extschema@.make_chunk(range_start timestamptz, range_end timestamptz)
RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  PERFORM _timescaledb_functions.create_chunk(
    '@extschema@.messages',
    pg_catalog.jsonb_build_object('time', pg_catalog.jsonb_build_array(
      (extract(epoch FROM $1) * 1000000)::bigint,
      (extract(epoch FROM $2) * 1000000)::bigint
    ))
  );
EXCEPTION
  WHEN feature_not_supported OR undefined_function THEN
    PERFORM @extschema:timescaledb@.set_chunk_time_interval('@extschema@.messages', $2 - $1);
    PERFORM @extschema@.make_chunk_at($1);
    PERFORM @extschema:timescaledb@.set_chunk_time_interval(
      '@extschema@.messages', (SELECT s.chunk_interval FROM @extschema@.store AS s)
    );
END;
$$;
