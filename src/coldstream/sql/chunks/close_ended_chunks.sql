-- audience: owner; needs timescale
-- Closes every chunk whose range has ended, one transaction a chunk. A job of TimescaleDB runs it
-- where the server has background workers, and the lifecycle calls it where it has none. Where another
-- session's lifecycle is at work it leaves the rest to that one, or to the next time.
--
-- Each transaction takes its lock on messages before any on the ledger, as TRUNCATE does: the other
-- way round the two wait for each other. Each is READ COMMITTED, whatever the role's default is.
-- A chunk that cannot be closed stays open, which costs time and no message, and keeps no other open.
CREATE OR REPLACE PROCEDURE @extschema@.close_ended_chunks(
  job_id integer DEFAULT NULL,
  config jsonb DEFAULT NULL
)
LANGUAGE plpgsql
AS $$
DECLARE
  _range_start pg_catalog.timestamptz;
  _chunk_is_made boolean := false;
  _problem pg_catalog.text;
BEGIN
  IF pg_catalog.left(pg_catalog.current_setting('transaction_isolation'), 4) OPERATOR(pg_catalog.<>) 'read' THEN
    COMMIT;
    SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
  END IF;
  PERFORM @extschema@.check_rows_visible();
  LOCK TABLE ONLY @extschema@.messages IN ACCESS SHARE MODE;
  -- First, in a transaction of its own: chunks that were split or merged are not closed beside what the
  -- ledger still says of them.
  PERFORM @extschema@.sync_store();
  COMMIT;
  SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
  LOCK TABLE ONLY @extschema@.messages IN ACCESS SHARE MODE;
  FOR _range_start IN
    SELECT h.range_start
    FROM @extschema@.hypertable_chunks() AS h
    LEFT JOIN @extschema@.chunks AS c ON c.range_start OPERATOR(pg_catalog.=) h.range_start
    WHERE h.range_end OPERATOR(pg_catalog.<=) pg_catalog.clock_timestamp()
      AND coalesce(c.state, 'open') OPERATOR(pg_catalog.=) 'open'
  LOOP
    EXIT WHEN NOT @extschema@.closing_lock();
    PERFORM pg_catalog.set_config('lock_timeout', '2s', true);
    BEGIN
      _chunk_is_made := true;
      LOCK TABLE ONLY @extschema@.messages IN SHARE UPDATE EXCLUSIVE MODE;
      _chunk_is_made := false;
      PERFORM @extschema@.close_range(_range_start);
    EXCEPTION
      WHEN lock_not_available OR deadlock_detected THEN
        -- Somebody still writes into it.
        NULL;
      WHEN object_not_in_prerequisite_state OR SQLSTATE 'CS009' THEN
        GET STACKED DIAGNOSTICS _problem = MESSAGE_TEXT;
        RAISE WARNING '%', _problem;
    END;
    COMMIT;
    SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
    LOCK TABLE ONLY @extschema@.messages IN ACCESS SHARE MODE;
    -- By a transaction that has not ended: no other chunk can be closed either.
    EXIT WHEN _chunk_is_made;
  END LOOP;
  PERFORM @extschema@.create_chunks_ahead();
END;
$$;
