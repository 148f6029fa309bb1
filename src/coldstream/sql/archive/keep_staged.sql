-- audience: internal; needs timescale
-- Keeps what is known of a range that is being loaded, in the transaction that changes it.
CREATE OR REPLACE FUNCTION @extschema@.keep_staged(range_start timestamptz, known jsonb)
RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  EXECUTE format(
    'COMMENT ON TABLE %s IS %L', @extschema@.staged_name($1),
    coalesce(@extschema@.staged($1), '{}') || $2 || jsonb_build_object('at', clock_timestamp())
  );
END;
$$;
