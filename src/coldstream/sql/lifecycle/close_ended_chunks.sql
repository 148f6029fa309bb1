-- Closes every chunk whose range has ended, one transaction a chunk. A job of TimescaleDB runs it
-- where the server has background workers, and the lifecycle calls it where it has none.
--
-- Each transaction takes its lock on messages before any on the ledger, as TRUNCATE does: the other
-- way round the two wait for each other. Each is READ COMMITTED, whatever the role's default is.
CREATE OR REPLACE PROCEDURE @extschema@.close_ended_chunks(
  job_id integer DEFAULT NULL,
  config jsonb DEFAULT NULL
)
LANGUAGE plpgsql
AS $$
DECLARE
  _range_start pg_catalog.timestamptz;
  _chunk_is_made boolean := false;
BEGIN
  IF pg_catalog.current_setting('transaction_isolation') OPERATOR(pg_catalog.<>) 'read committed' THEN
    COMMIT;
    SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
  END IF;
  LOCK TABLE @extschema@.messages IN ACCESS SHARE MODE;
  FOR _range_start IN
    SELECT h.range_start
    FROM @extschema@.hypertable_chunks() AS h
    LEFT JOIN @extschema@.chunks AS c ON c.range_start OPERATOR(pg_catalog.=) h.range_start
    WHERE h.range_end OPERATOR(pg_catalog.<=) pg_catalog.clock_timestamp()
      AND coalesce(c.state, 'open') OPERATOR(pg_catalog.=) 'open'
  LOOP
    PERFORM pg_catalog.set_config('lock_timeout', '2s', true);
    BEGIN
      _chunk_is_made := true;
      LOCK TABLE @extschema@.messages IN SHARE UPDATE EXCLUSIVE MODE;
      _chunk_is_made := false;
      PERFORM @extschema@.close_range(_range_start);
    EXCEPTION
      WHEN lock_not_available THEN
        -- Somebody still writes into it. It stays open, which costs time and no message.
        NULL;
    END;
    COMMIT;
    SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
    LOCK TABLE @extschema@.messages IN ACCESS SHARE MODE;
    -- By a transaction that has not ended: no other chunk can be closed either.
    EXIT WHEN _chunk_is_made;
  END LOOP;
  PERFORM @extschema@.sync_store();
  PERFORM @extschema@.create_chunks_ahead();
END;
$$;
