-- audience: part; needs timescale
-- The relation that holds a compressed chunk's rows; NULL for a chunk in row form, and in a release of
-- TimescaleDB that keeps this elsewhere.
CREATE OR REPLACE FUNCTION @extschema@.columnstore_of(chunk regclass)
RETURNS regclass
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  RETURN (
    SELECT c.compress_relid FROM _timescaledb_catalog.compression_settings AS c WHERE c.relid = $1
  );
EXCEPTION
  WHEN undefined_table OR undefined_column OR insufficient_privilege THEN
    RETURN NULL;
END;
$$;
