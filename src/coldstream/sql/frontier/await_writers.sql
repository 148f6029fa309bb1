-- audience: part
-- The long wait of frontier: for these writers, which began when it did, for so long at most.
--
-- A wait in a loop is no lock, so PostgreSQL does not see who waits for whom. The one that waits says so
-- here, by a shared advisory lock for each process it waits for, and looks each second whether a way leads
-- back to it, by such locks and by PostgreSQL's own waits. Of several in one circle the one with the
-- highest process id gives in.
CREATE OR REPLACE FUNCTION @extschema@.await_writers(
  writers text[],
  started timestamptz,
  "limit" interval
)
RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  _class constant integer := hashtext('@extschema_name@.frontier');
  _writers text[] := $1;
  _look_at timestamptz := clock_timestamp();
BEGIN
  PERFORM pg_try_advisory_xact_lock_shared(_class, l.pid)
  FROM pg_locks AS l
  WHERE l.locktype = 'virtualxid' AND l.granted AND l.virtualtransaction = ANY (_writers);

  WHILE _writers <> '{}' LOOP
    IF clock_timestamp() >= $2 + $3 THEN
      RAISE EXCEPTION 'Writers have not ended after % s: %',
          trim_scale(extract(epoch FROM $3)), @extschema@.describe_writers(_writers)
        USING
          ERRCODE = 'CS011',
          HINT = 'A read of everything waits for the transactions that have written. End these, or '
            'wait longer (message_store.frontier_timeout). Is one of them your own, over another '
            'connection? Then end it before this call.';
    ELSIF clock_timestamp() >= _look_at THEN
      _look_at := clock_timestamp() + INTERVAL '1 second';
      IF @extschema@.waits_for_itself(_class) THEN
        RAISE EXCEPTION 'Deadlock: % and this transaction wait for each other',
            @extschema@.describe_writers(_writers)
          USING
            ERRCODE = 'deadlock_detected',
            HINT = 'A transaction that has written should not read everything: read before it, or after.';
      END IF;
    END IF;
    PERFORM pg_sleep(0.01);
    _writers := @extschema@.writers_at_work(_writers);
  END LOOP;

  -- What it said does not hold any longer, and nothing else takes such a lock back.
  RAISE EXCEPTION 'The wait is over' USING ERRCODE = 'no_data_found';
EXCEPTION
  WHEN no_data_found THEN
    NULL;
END;
$$;
