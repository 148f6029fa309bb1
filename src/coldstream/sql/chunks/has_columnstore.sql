-- audience: part; needs timescale
-- Whether this edition of TimescaleDB compresses. Asks by doing: compressing nothing is "not
-- supported" (0A000) in the Apache edition and any other error elsewhere. The license setting would
-- tell the same, and a client can set it.
CREATE OR REPLACE FUNCTION @extschema@.has_columnstore()
RETURNS boolean
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  PERFORM @extschema:timescaledb@.compress_chunk(0::oid::regclass);
  RETURN true;
EXCEPTION
  WHEN feature_not_supported THEN
    RETURN false;
  WHEN OTHERS THEN
    RETURN true;
END;
$$;
