-- The last message of the stream $1, or the last one of the type $2. It needs _filter, and _listed for read_last.
--
-- The head knows position and time of the last message: a reader that finds a message there has it. Where that is
-- recent, by a plan that is kept (see recent_from).
DECLARE
  _head record;
  _tries integer := 0;
BEGIN
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
      RETURN QUERY SELECT m.* FROM @extschema@.read_last($1, $2, listed => _listed) AS m;
      RETURN;
    EXCEPTION
      @include read_again@
      WHEN SQLSTATE 'CS001' THEN
        IF NOT @extschema@.fetches_archived() THEN
          RAISE;
        END IF;
        RETURN QUERY
        SELECT m.* FROM @extschema@.last_over_tiers($1, $2) AS m;
        RETURN;
    END;
  END LOOP;
END;
