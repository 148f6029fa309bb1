-- audience: owner; needs timescale
-- Moves every chunk that ended this long ago into the columnstore; returns those it moved.
--
-- One transaction for all: what it locks it locks in one order, the table before any chunk. TimescaleDB's
-- jobs and others do not know that order, so a chunk that cannot be had, or for which two waited for each
-- other, is tried again; then it is left out with a warning, and keeps no other. So is one that somebody
-- changed past the store.
CREATE OR REPLACE FUNCTION @extschema@.compress_chunks_older_than(older_than interval)
RETURNS TABLE (
  chunk_name text,
  range_start timestamptz,
  range_end timestamptz,
  row_bytes bigint,
  columnstore_bytes bigint
)
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  _before timestamptz := @extschema@.check_older_than($1);
  _range_start timestamptz;
  _problem text;
  _detail text;
  _lock_timeout constant text := pg_catalog.current_setting('lock_timeout');
BEGIN
  PERFORM @extschema@.lifecycle_lock();
  PERFORM @extschema@.check_columnstore();
  LOCK TABLE ONLY @extschema@.messages IN SHARE UPDATE EXCLUSIVE MODE;
  FOR _range_start IN
    SELECT h.range_start
    FROM @extschema@.hypertable_chunks() AS h
    LEFT JOIN @extschema@.chunks AS c ON c.range_start = h.range_start
    WHERE h.range_end <= _before AND (
      coalesce(c.state, 'open') IN ('open', 'closed')
      OR (c.state = 'compressed' AND NOT h.is_compressed)
    )
  LOOP
    FOR _try IN 1 .. 5 LOOP
      BEGIN
        PERFORM pg_catalog.set_config('lock_timeout', '2s', true);
        RETURN QUERY
        SELECT r.chunk_name, r.range_start, r.range_end, r.row_bytes, r.columnstore_bytes
        FROM @extschema@.compress_range(_range_start) AS r;
        EXIT;
      EXCEPTION
        WHEN lock_not_available OR deadlock_detected THEN
          GET STACKED DIAGNOSTICS _problem = MESSAGE_TEXT, _detail = PG_EXCEPTION_DETAIL;
          IF _try = 5 THEN
            RAISE WARNING 'The chunk that starts at % was not compressed: %', _range_start, _problem
              USING DETAIL = _detail;
          ELSE
            PERFORM pg_catalog.pg_sleep(0.2 * _try);
          END IF;
        WHEN object_not_in_prerequisite_state OR SQLSTATE 'CS009' THEN
          GET STACKED DIAGNOSTICS _problem = MESSAGE_TEXT, _detail = PG_EXCEPTION_DETAIL;
          RAISE WARNING 'The chunk that starts at % was not compressed: %', _range_start, _problem
            USING DETAIL = _detail;
          EXIT;
      END;
    END LOOP;
  END LOOP;
  PERFORM pg_catalog.set_config('lock_timeout', _lock_timeout, true);
END;
$$;
