-- audience: internal; needs timescale
-- Drops what a rehydration has loaded of a range: it turned out not to be what was archived.
CREATE OR REPLACE FUNCTION @extschema@.drop_staged(range_start timestamptz)
RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  EXECUTE format('DROP TABLE IF EXISTS %s', @extschema@.staged_name($1));
END;
$$;
