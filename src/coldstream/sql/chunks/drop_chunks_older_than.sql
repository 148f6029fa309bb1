-- audience: owner; needs timescale
-- Drops every chunk that ended this long ago, and the parts of such that came back, and returns what it
-- dropped. Refuses, and drops nothing, when one of them is not archived; force => true drops those too,
-- and their data is lost. What is kept until a time that has not come stays, but for kept => true.
CREATE OR REPLACE FUNCTION @extschema@.drop_chunks_older_than(
  older_than interval,
  force boolean DEFAULT false,
  kept boolean DEFAULT false
)
RETURNS TABLE (
  range_start timestamptz,
  range_end timestamptz,
  messages bigint,
  archive_object text
)
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
  _before timestamptz := @extschema@.check_older_than($1);
  _range_start timestamptz;
  _lock_timeout constant text := pg_catalog.current_setting('lock_timeout');
BEGIN
  PERFORM @extschema@.lifecycle_lock();
  FOR _range_start IN
    SELECT h.range_start
    FROM @extschema@.hypertable_chunks() AS h
    LEFT JOIN @extschema@.chunks AS c ON c.range_start = h.range_start
    WHERE h.range_end <= _before AND (
      $3 OR coalesce(c.kept_until, 'infinity') = 'infinity'
      OR c.kept_until <= pg_catalog.clock_timestamp()
    )
  LOOP
    -- All or none. A reader or a job that is in the way of one is waited for a few times.
    FOR _try IN 1 .. 5 LOOP
      BEGIN
        PERFORM pg_catalog.set_config('lock_timeout', '2s', true);
        RETURN QUERY
        SELECT r.range_start, r.range_end, r.messages, r.archive_object
        FROM @extschema@.drop_range(_range_start, $2) AS r;
        EXIT;
      EXCEPTION
        WHEN lock_not_available OR deadlock_detected THEN
          IF _try = 5 THEN
            RAISE;
          END IF;
          PERFORM pg_catalog.pg_sleep(0.2 * _try);
      END;
    END LOOP;
  END LOOP;
  PERFORM pg_catalog.set_config('lock_timeout', _lock_timeout, true);
END;
$$;
