-- Freezes a chunk where the server can; returns whether it did.
CREATE OR REPLACE FUNCTION @extschema@.freeze(chunk regclass)
RETURNS boolean
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  PERFORM _timescaledb_functions.freeze_chunk($1);
  RETURN true;
EXCEPTION
  WHEN feature_not_supported OR undefined_function THEN
    RETURN false;
END;
$$;
