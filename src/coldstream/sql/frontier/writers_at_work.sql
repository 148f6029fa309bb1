-- audience: part
-- The transactions, other than this one, that have written to this store and not ended; of these, where
-- some are given. By their virtual ids, which a transaction keeps when it is prepared.
CREATE OR REPLACE FUNCTION @extschema@.writers_at_work(writers text[])
RETURNS text[]
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  RETURN ARRAY(
    SELECT DISTINCT l.virtualtransaction FROM pg_locks AS l
    WHERE l.locktype = 'relation' AND l.relation = '@extschema@.streams'::regclass
      AND l.database = (SELECT d.oid FROM pg_database AS d WHERE d.datname = current_database())
      AND l.mode = 'RowExclusiveLock' AND l.granted
      -- A prepared transaction has no process, and must be waited for; the embedded server's one process
      -- has the number 0, and shows none.
      AND coalesce(l.pid, 0) <> pg_backend_pid()
      AND ($1 IS NULL OR l.virtualtransaction = ANY ($1))
  );
END;
$$;
