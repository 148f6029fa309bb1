-- audience: message_db
-- The last message of a stream, or the last one of a type.
--
-- The head knows position and time of the last message: a reader that finds a message there has it. Where that is
-- recent, by a plan that is kept (see recent_from). For the settings see read_positions.
CREATE OR REPLACE FUNCTION @extschema@.get_last_stream_message(
  stream_name varchar,
  "type" varchar DEFAULT NULL
)
RETURNS SETOF @extschema@.message
LANGUAGE plpgsql VOLATILE
SET enable_sort = off
SET plan_cache_mode = force_generic_plan
SET jit = off
SET max_parallel_workers_per_gather = 0
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  -- Parameters of the statement: $1 stream, $2 category, $3 batch size, $4 position, $5 type.
  _filter constant text := 'm.stream_name = $1 AND m.stream_category = $2 AND '
    || CASE WHEN $2 IS NULL THEN 'm.position = $4' ELSE 'm.type = $5' END;
  _head record;
  _tries integer := 0;
BEGIN
  IF @extschema@.debugging('message_store.debug_get') THEN
    RAISE NOTICE '» get_last_message';
    RAISE NOTICE 'stream_name ($1): %', $1;
    RAISE NOTICE 'type ($2): %', $2;
    RAISE NOTICE 'Generated Command: %', @extschema@.select_messages(
      _filter, 1, NULL, 'position DESC'
    );
  END IF;

  IF $2 IS NULL THEN
    SELECT h.position, h.time, h.time >= pg_catalog.now() - 5 * s.chunk_interval AS is_recent INTO _head
    FROM @extschema@.streams AS h, @extschema@.store AS s
    WHERE pg_catalog.md5(h.stream_name)::uuid = pg_catalog.md5($1)::uuid
      AND h.stream_name = $1 AND h.time_ordered;
    IF FOUND THEN
      IF _head.is_recent THEN
        RETURN QUERY
        SELECT m.id::varchar, m.stream_name::varchar, m.type::varchar, m.position, m.global_position,
          m.data::varchar, m.metadata::varchar, m.time AT TIME ZONE 'UTC'
        FROM @extschema@.messages AS m
        WHERE m.stream_name = $1 AND m.stream_category = pg_catalog.split_part($1, '-', 1)
          AND m.position = _head.position AND m.time >= _head.time AND m.time <= _head.time
          AND m.time >= @extschema@.recent_from() AND @extschema@.recent_from() <= _head.time
        LIMIT 1;
        IF FOUND THEN
          RETURN;
        END IF;
      END IF;
      RETURN QUERY EXECUTE @extschema@.select_messages(_filter, 1, NULL, NULL)
        USING $1, pg_catalog.split_part($1, '-', 1), 1, _head.position, NULL, NULL, NULL,
          ARRAY[pg_catalog.tstzrange(_head.time, _head.time + INTERVAL '1 microsecond')];
      IF FOUND THEN
        RETURN;
      END IF;
    END IF;
  END IF;

  LOOP
    BEGIN
      RETURN QUERY SELECT m.* FROM @extschema@.read_last($1, $2) AS m;
      RETURN;
    EXCEPTION
      WHEN serialization_failure THEN
        -- The next statement has a new snapshot, but not at a higher level than READ COMMITTED.
        _tries := _tries OPERATOR(pg_catalog.+) 1;
        IF _tries OPERATOR(pg_catalog.=) 20
          OR pg_catalog.left(pg_catalog.current_setting('transaction_isolation'), 4) OPERATOR(pg_catalog.<>) 'read'
        THEN
          RAISE;
        END IF;
    END;
  END LOOP;
END;
$$;
