-- audience: internal; needs timescale
-- One lifecycle at a time in a store. Two numbers, so that it is never taken for a category's lock;
-- a session that holds the same key (the command line does, for a whole run) passes.
--
-- Then the key of whoever closes chunks, which the hourly job holds for one chunk at a time: to wait for
-- it here, before any table is locked, is what keeps the two from waiting for each other in a circle.
CREATE OR REPLACE FUNCTION @extschema@.lifecycle_lock()
RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  _store constant integer := '@extschema@.messages'::regclass::oid::integer;
BEGIN
  PERFORM @extschema@.check_rows_visible();
  IF NOT pg_try_advisory_xact_lock(1129271876, _store) THEN
    RAISE EXCEPTION 'Another lifecycle is running on this store'
      USING ERRCODE = 'CS006', HINT = 'Wait for it to end, then run this again.';
  END IF;
  PERFORM pg_advisory_xact_lock(1129271877, _store);
END;
$$;
