-- One lifecycle at a time in a store. Two numbers, so that it is never taken for a category's lock;
-- a session that holds the same key (the command line does, for a whole run) passes.
CREATE OR REPLACE FUNCTION @extschema@.lifecycle_lock()
RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  IF NOT pg_catalog.pg_try_advisory_xact_lock(
    1129271876, '@extschema@.messages'::regclass::oid::integer
  ) THEN
    RAISE EXCEPTION 'Another lifecycle is running on this store'
      USING ERRCODE = 'CS006', HINT = 'Wait for it to end, then run this again.';
  END IF;
END;
$$;
