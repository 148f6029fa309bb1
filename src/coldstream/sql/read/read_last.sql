-- audience: part
-- The last message of a stream, or the last one of a type.
--
-- Looked for backwards from the time in the head, a chunk at a time: the last one there is need not be at
-- the head's position, because somebody may have deleted that. Where a chunk that may hold the answer has
-- left the database before one was found, that is an error, never an older or an empty answer; or, where listed
-- is given, a row as stream_page has it. STABLE: see read_positions, also for the settings.
CREATE OR REPLACE FUNCTION @extschema@.read_last(
  stream_name varchar,
  type varchar,
  listed integer DEFAULT NULL
)
RETURNS SETOF @extschema@.message
LANGUAGE plpgsql STABLE
SET enable_sort = off
SET jit = off
SET max_parallel_workers_per_gather = 0
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  _category text := pg_catalog.split_part($1, '-', 1);
  -- Parameters of the statement: $1 stream, $2 category, $3 batch size, $4 type.
  _filter constant text := 'm.stream_name = $1 AND m.stream_category = $2'
    || CASE WHEN $2 IS NULL THEN '' ELSE ' AND m.type = $4' END;
  _statement constant text := @extschema@.select_messages(_filter, 1, NULL, 'position DESC');
  _head record;
  _window record;
  _gone @extschema@.chunks;
  _latest timestamptz;
  _from timestamptz;
  _time timestamptz;
  _found @extschema@.message;
  _chunk_names text[] := '{}';
  _open_from timestamptz;
BEGIN
  SELECT h.position, h.first_time, h.time, h.time_ordered, s.closed_before, s.archive_epoch,
    @extschema@.is_mixed(s.token) AS is_mixed
  INTO _head
  FROM @extschema@.store AS s
  LEFT JOIN @extschema@.streams AS h ON pg_catalog.md5(h.stream_name)::uuid = pg_catalog.md5($1)::uuid
    AND h.stream_name = $1;
  IF NOT FOUND OR _head.is_mixed THEN
    PERFORM @extschema@.check_whole(false);
  END IF;
  IF _head.position IS NULL THEN
    RETURN;
  END IF;

  IF _head.archive_epoch > 0 THEN
    _latest := pg_catalog.upper(@extschema@.range_around(_head.time));
    SELECT c.* INTO _gone
    FROM @extschema@.chunks AS c
    WHERE c.state = 'dropped' AND c.range_start <= _head.time AND c.range_end > _head.first_time
      AND c.range_end <= _latest
      AND EXISTS (
        SELECT FROM @extschema@.chunk_categories AS r
        WHERE r.category = _category AND r.range_start = c.range_start
      ) AND @extschema@.stream_matches($1, c.part_streams) IS NOT TRUE
    ORDER BY c.range_end DESC
    LIMIT 1;
  END IF;

  IF _head.time_ordered THEN
    _time := _head.time;
    -- Where what is newer than the last gap has no such message, it may be in there.
    _from := CASE
      WHEN _gone.range_end IS NULL THEN pg_catalog.lower(@extschema@.range_around(_head.first_time))
      ELSE greatest(_head.first_time, _gone.range_end)
    END;
    LOOP
      _window := @extschema@.stream_window_before($1, _from, _time, _head.closed_before);
      EXIT WHEN _window.range IS NULL;
      _chunk_names := _chunk_names || _window.chunk_names;
      IF pg_catalog.upper(_window.range) > _head.closed_before THEN
        _open_from := _head.closed_before;
      END IF;
      EXECUTE _statement INTO _found
        USING $1, _category, 1, $2, NULL, NULL, NULL, ARRAY[_window.range];
      EXIT WHEN _found.position IS NOT NULL;
      _time := pg_catalog.lower(_window.range) - INTERVAL '1 microsecond';
    END LOOP;
  ELSIF $2 IS NULL OR _gone.range_start IS NULL THEN
    SELECT w.ranges, w.chunk_names INTO _window FROM @extschema@.stream_windows($1) AS w;
    _chunk_names := _window.chunk_names;
    _open_from := _head.closed_before;
    EXECUTE @extschema@.select_messages(
      _filter, pg_catalog.cardinality(_window.ranges), NULL, 'position DESC'
    ) INTO _found USING $1, _category, 1, $2, NULL, NULL, NULL, _window.ranges;
    -- One of a later position, but of an earlier time, may have left.
    IF _gone.range_start IS NOT NULL AND _found.position < _head.position THEN
      _found := NULL;
    END IF;
  END IF;

  IF $2 IS NOT NULL OR _found.position IS DISTINCT FROM _head.position THEN
    PERFORM @extschema@.check_chunks_unchanged(_chunk_names, _open_from);
  END IF;
  IF _found.position IS NOT NULL THEN
    RETURN NEXT _found;
  ELSIF _gone.range_start IS NOT NULL AND $3 IS NULL THEN
    PERFORM @extschema@.raise_archived($1::text, _head.position, _gone, false);
  ELSIF _gone.range_start IS NOT NULL THEN
    _found.position := _head.position;
    _found.data := @extschema@.archived_chunks_of_stream($1, _head.position, $3);
    RETURN NEXT _found;
  END IF;
END;
$$;
