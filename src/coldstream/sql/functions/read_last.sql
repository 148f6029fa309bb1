-- The last message of a stream, or the last one of a type.
--
-- The head knows the time of the last message, so one chunk is read for it; the last one of a type is
-- looked for backwards from there. Where a chunk that may hold the answer has left the database
-- before one was found, that is an error, never an older or an empty answer. STABLE: see
-- read_positions, also for the settings.
CREATE OR REPLACE FUNCTION @extschema@.read_last(stream_name varchar, type varchar, filter text)
RETURNS SETOF @extschema@.message
LANGUAGE plpgsql STABLE
SET enable_sort = off
SET jit = off
SET max_parallel_workers_per_gather = 0
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  _category text := pg_catalog.split_part($1, '-', 1);
  _statement constant text := @extschema@.select_messages($3, 1, NULL, 'position DESC');
  _head record;
  _window record;
  _gone @extschema@.chunks;
  _latest timestamptz;
  _from timestamptz;
  _time timestamptz;
  _rows bigint := 0;
BEGIN
  SELECT h.position, h.first_time, h.time, h.time_ordered, s.closed_before, s.archive_epoch INTO _head
  FROM @extschema@.streams AS h, @extschema@.store AS s
  WHERE pg_catalog.md5(h.stream_name)::uuid = pg_catalog.md5($1)::uuid
    AND h.stream_name = $1;
  IF NOT FOUND THEN
    RETURN;
  END IF;

  IF _head.archive_epoch > 0 AND @extschema@.archived_reads() = 'error' THEN
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

  IF NOT _head.time_ordered AND $2 IS NOT NULL AND _gone.range_start IS NOT NULL THEN
    PERFORM @extschema@.raise_archived($1::text, _head.position, _gone);
  ELSIF NOT _head.time_ordered THEN
    SELECT w.ranges, w.chunk_names INTO _window FROM @extschema@.stream_windows($1) AS w;
    RETURN QUERY EXECUTE @extschema@.select_messages(
      $3, pg_catalog.cardinality(_window.ranges), NULL, 'position DESC'
    ) USING $1, _category, 1, _head.position, $2, NULL, NULL, _window.ranges;
    GET DIAGNOSTICS _rows = ROW_COUNT;
    PERFORM @extschema@.check_chunks_exist(_window.chunk_names);
  ELSE
    _time := _head.time;
    -- Where what is newer than the last gap has no such message, it may be in there.
    _from := greatest(
      CASE WHEN $2 IS NULL THEN _head.time ELSE _head.first_time END, _gone.range_end
    );
    LOOP
      _window := @extschema@.stream_window_before($1, _from, _time, _head.closed_before);
      EXIT WHEN _window.range IS NULL;
      RETURN QUERY EXECUTE _statement
        USING $1, _category, 1, _head.position, $2, NULL, NULL, ARRAY[_window.range];
      GET DIAGNOSTICS _rows = ROW_COUNT;
      PERFORM @extschema@.check_chunks_exist(_window.chunk_names);
      EXIT WHEN _rows > 0;
      _time := pg_catalog.lower(_window.range) - INTERVAL '1 microsecond';
    END LOOP;
  END IF;

  IF _rows = 0 AND _gone.range_start IS NOT NULL THEN
    PERFORM @extschema@.raise_archived($1::text, _head.position, _gone);
  END IF;
END;
$$;
