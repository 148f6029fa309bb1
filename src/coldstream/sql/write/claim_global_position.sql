-- audience: internal
-- Makes sure that a global position of a row's own is no other row's. The caller holds the lock of
-- those who give positions, so two of them cannot claim the same one.
--
-- One that is ahead of the sequence is drawn from it, with all before it: then no other session has
-- it, and the sequence goes forward only, whoever draws meanwhile. That takes as long as it is far, and
-- what is drawn is gone though the row be rolled back: so how far is limited.
--
-- One that the sequence has passed may exist: visible, in a writer's transaction that has not ended, or
-- in a chunk that has left the database. A writer moves the head of its stream before it draws, so
-- whoever may still have it holds a lock on streams. Waiting for them is not seen by PostgreSQL when it
-- looks for deadlocks, so it has an end.
CREATE OR REPLACE FUNCTION @extschema@.claim_global_position(global_position bigint)
RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  _max_lead constant bigint := 100000;
  _last bigint := coalesce(pg_sequence_last_value('@extschema@.messages_global_position_seq'), 0);
  _until constant timestamptz := clock_timestamp() + INTERVAL '5 seconds';
  _writers text[];
  _range tstzrange;
  _exists boolean := false;
BEGIN
  IF $1 > _last THEN
    IF $1 - _last > _max_lead THEN
      RAISE EXCEPTION 'Global position % is too far ahead of the last one, %', $1, _last
        USING
          ERRCODE = 'numeric_value_out_of_range',
          HINT = format(
            'At most %s at once. The owner of the store can go on further ahead: '
            'SELECT setval(''@extschema@.messages_global_position_seq'', %s).', _max_lead, $1 - 1
          );
    END IF;
    WHILE _last < $1 LOOP
      _last := nextval('@extschema@.messages_global_position_seq');
    END LOOP;
    _exists := _last > $1;
  ELSE
    IF pg_catalog.left(pg_catalog.current_setting('transaction_isolation'), 4) <> 'read' THEN
      RAISE EXCEPTION 'A global position before the last one needs a transaction that is READ COMMITTED'
        USING
          ERRCODE = 'feature_not_supported',
          HINT = 'Whether it exists is not visible in a transaction that began before.';
    END IF;
    _writers := @extschema@.writers_at_work(NULL);
    WHILE _writers <> '{}' LOOP
      IF clock_timestamp() > _until THEN
        RAISE EXCEPTION 'Global position % may be that of a message that is being written', $1
          USING
            ERRCODE = 'lock_not_available',
            HINT = 'A transaction that writes has been open for seconds. Insert again when it has ended.';
      END IF;
      PERFORM pg_sleep(0.002);
      _writers := @extschema@.writers_at_work(_writers);
    END LOOP;

    IF EXISTS (SELECT FROM @extschema@.engine_move AS e WHERE e.fixed_to >= $1) THEN
      RAISE EXCEPTION 'Global position % cannot be given: the store is being moved, and what is before % is copied',
        $1, (SELECT e.fixed_to FROM @extschema@.engine_move AS e)
        USING ERRCODE = 'CS006', HINT = 'Let coldstream upgrade end, then insert again.';
    END IF;
    _exists := EXISTS (
      SELECT FROM @extschema@.chunks AS c
      WHERE c.state = 'dropped' AND $1 BETWEEN c.first_global_position AND c.last_global_position
    );
    FOR _range IN
      SELECT tstzrange(c.range_start, c.range_end) FROM @extschema@.chunks AS c
      WHERE c.state NOT IN ('open', 'dropped')
        AND $1 BETWEEN c.first_global_position AND c.last_global_position
      UNION ALL
      SELECT unnest((@extschema@.open_ranges(s.closed_before)).ranges) FROM @extschema@.store AS s
    LOOP
      EXIT WHEN _exists;
      -- Planned for the chunks of this range, not for all there are.
      EXECUTE
        'SELECT EXISTS (
           SELECT FROM @extschema@.messages AS m
           WHERE m.global_position = $1 AND m.time >= $2 AND m.time < $3
         )'
        INTO _exists USING $1, lower(_range), upper(_range);
    END LOOP;
  END IF;

  IF _exists THEN
    PERFORM @extschema@.raise_exists('messages_pkey', format('(global_position)=(%s)', $1));
  END IF;
END;
$$;
