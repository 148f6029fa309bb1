-- audience: internal; needs timescale
-- Makes an empty chunk with exactly this range. The Apache edition has no function for that: there the
-- interval is the range's for a moment, because TimescaleDB aligned the range by it when it was made, and
-- a row that the trigger takes back asks for the chunk. If the chunk still comes out another one,
-- finish_rehydrate refuses it.
CREATE OR REPLACE FUNCTION @extschema@.make_chunk(
  range_start timestamptz,
  range_end timestamptz,
  "time" timestamptz DEFAULT NULL
)
RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  _interval interval;
BEGIN
  PERFORM @extschema@.check_rows_visible();
  PERFORM _timescaledb_functions.create_chunk(
    '@extschema@.messages',
    jsonb_build_object('time', jsonb_build_array(
      (extract(epoch FROM $1) * 1000000)::bigint,
      (extract(epoch FROM $2) * 1000000)::bigint
    ))
  );
EXCEPTION
  WHEN feature_not_supported OR undefined_function OR insufficient_privilege THEN
    SELECT d.time_interval INTO _interval FROM timescaledb_information.dimensions AS d
    WHERE d.hypertable_schema = '@extschema_name@' AND d.hypertable_name = 'messages'
      AND d.column_name = 'time';
    IF $3 IS NULL THEN
      PERFORM @extschema:timescaledb@.set_chunk_time_interval('@extschema@.messages', $2 - $1);
    END IF;
    PERFORM set_config('coldstream.make_chunk', 'on', true);
    INSERT INTO @extschema@.messages (time) VALUES (coalesce($3, $1));
    PERFORM set_config('coldstream.make_chunk', '', true);
    IF $3 IS NULL THEN
      PERFORM @extschema:timescaledb@.set_chunk_time_interval('@extschema@.messages', _interval);
    END IF;
END;
$$;
