-- audience: internal; needs timescale
-- Unfreezes a chunk where the server can freeze; returns whether it did.
CREATE OR REPLACE FUNCTION @extschema@.unfreeze(chunk regclass)
RETURNS boolean
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  PERFORM _timescaledb_functions.unfreeze_chunk($1);
  RETURN true;
EXCEPTION
  WHEN feature_not_supported OR undefined_function OR insufficient_privilege THEN
    RETURN false;
END;
$$;
