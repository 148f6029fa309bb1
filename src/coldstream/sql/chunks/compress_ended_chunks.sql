-- audience: owner; needs timescale
-- Moves every chunk that is due by the store's policy into the columnstore, one transaction a chunk. A job
-- of TimescaleDB runs it. TimescaleDB's own policy knows no settings of a store, so it is left with what
-- cannot be had here; it compresses as the server does by default.
--
-- For locks and isolation see close_ended_chunks.
CREATE OR REPLACE PROCEDURE @extschema@.compress_ended_chunks(
  job_id integer DEFAULT NULL,
  config jsonb DEFAULT NULL
)
LANGUAGE plpgsql
AS $$
DECLARE
  _due pg_catalog.timestamptz[];
  _range_start pg_catalog.timestamptz;
  _problem pg_catalog.text;
  _failed pg_catalog.text;
BEGIN
  IF pg_catalog.left(pg_catalog.current_setting('transaction_isolation'), 4) OPERATOR(pg_catalog.<>) 'read' THEN
    COMMIT;
    SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
  END IF;
  PERFORM @extschema@.check_rows_visible();
  LOCK TABLE ONLY @extschema@.messages IN ACCESS SHARE MODE;
  _due := ARRAY(
    SELECT h.range_start
    FROM @extschema@.store AS s
    CROSS JOIN @extschema@.hypertable_chunks() AS h
    LEFT JOIN @extschema@.chunks AS c ON c.range_start OPERATOR(pg_catalog.=) h.range_start
    WHERE s.columnstore
      AND h.range_end OPERATOR(pg_catalog.<=) (
        pg_catalog.clock_timestamp() OPERATOR(pg_catalog.-) s.compress_after
      )
      AND (
        coalesce(c.state, 'open') OPERATOR(pg_catalog.=) ANY (ARRAY['open', 'closed'])
        OR (c.state OPERATOR(pg_catalog.=) 'compressed' AND NOT h.is_compressed)
      )
    ORDER BY h.range_start
  );
  FOREACH _range_start IN ARRAY _due LOOP
    COMMIT;
    SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
    LOCK TABLE ONLY @extschema@.messages IN ACCESS SHARE MODE;
    PERFORM pg_catalog.set_config('lock_timeout', '2s', true);
    BEGIN
      PERFORM @extschema@.lifecycle_lock();
      LOCK TABLE ONLY @extschema@.messages IN SHARE UPDATE EXCLUSIVE MODE;
      PERFORM @extschema@.compress_range(_range_start);
    EXCEPTION
      WHEN SQLSTATE 'CS006' THEN
        -- Another lifecycle is at work; the rest is its, or the next hour's.
        EXIT;
      WHEN lock_not_available OR deadlock_detected THEN
        -- Somebody uses it: next time.
        NULL;
      WHEN no_data_found THEN
        -- It was dropped since.
        NULL;
      WHEN object_not_in_prerequisite_state OR SQLSTATE 'CS009' THEN
        GET STACKED DIAGNOSTICS _problem = MESSAGE_TEXT;
        RAISE WARNING 'The chunk that starts at % was not compressed: %', _range_start, _problem;
      WHEN OTHERS THEN
        -- It keeps no other; the job fails for it in the end, so that TimescaleDB's records say so.
        GET STACKED DIAGNOSTICS _problem = MESSAGE_TEXT;
        _failed := pg_catalog.format('The chunk that starts at %s was not compressed: %s', _range_start, _problem);
    END;
  END LOOP;
  IF _failed IS NOT NULL THEN
    COMMIT;
    RAISE EXCEPTION '%', _failed;
  END IF;
END;
$$;
