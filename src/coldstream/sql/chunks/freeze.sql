-- audience: internal; needs timescale
-- Freezes a chunk where the server can and pg_dump can still read it; returns whether it did. Of a frozen
-- chunk's columnstore pg_dump reads nothing, but ends with an error: no dump for as long as a chunk is
-- archived and not dropped. What is not frozen is guarded all the same: admit_time refuses late messages,
-- and a drop compares what is there with what was verified.
CREATE OR REPLACE FUNCTION @extschema@.freeze(chunk regclass)
RETURNS boolean
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  IF @extschema@.columnstore_of($1) IS NOT NULL THEN
    RETURN false;
  END IF;
  PERFORM _timescaledb_functions.freeze_chunk($1);
  RETURN true;
EXCEPTION
  WHEN feature_not_supported OR undefined_function OR insufficient_privilege THEN
    RETURN false;
END;
$$;
