-- The last message of a stream, or the last one of a type.
--
-- Read backwards from the head's time. Where a chunk that may hold the answer has left the database
-- before one was found, that is an error, never an older or an empty answer. STABLE: see
-- read_positions.
CREATE OR REPLACE FUNCTION @extschema@.read_last(stream_name varchar, type varchar, filter text)
RETURNS SETOF @extschema@.message
LANGUAGE plpgsql STABLE
AS $$
DECLARE
  _category text := pg_catalog.split_part($1, '-', 1);
  _order_by constant text := 'position DESC';
  _head @extschema@.streams;
  _ranges tstzrange[];
  _range record;
  _gone @extschema@.chunks;
  _rows bigint;
BEGIN
  SELECT s.* INTO _head FROM @extschema@.streams AS s WHERE s.stream_name = $1;

  IF _head.stream_name IS NULL THEN
    RETURN;
  END IF;

  IF @extschema@.archived_reads() = 'error' THEN
    SELECT c.* INTO _gone
    FROM @extschema@.chunks AS c
    WHERE c.state = 'dropped' AND c.range_end > _head.first_time AND c.range_start <= _head.time
      AND EXISTS (
        SELECT FROM @extschema@.chunk_categories AS r
        WHERE r.category = _category AND r.range_start = c.range_start
      )
    ORDER BY c.range_start DESC
    LIMIT 1;
  END IF;

  IF NOT _head.time_ordered AND $2 IS NOT NULL AND _gone.range_start IS NOT NULL THEN
    PERFORM @extschema@.raise_archived($1::text, _head.position, _gone);
  ELSIF NOT _head.time_ordered THEN
    SELECT pg_catalog.array_agg(r.range) INTO _ranges
    FROM @extschema@.stream_ranges(_category, _head.first_time, _head.time) AS r;
    RETURN QUERY EXECUTE @extschema@.select_messages($3, _ranges, NULL, _order_by)
      USING $1, _category, 1, _head.position, $2;
    GET DIAGNOSTICS _rows = ROW_COUNT;
    PERFORM @extschema@.check_chunks_exist(r.chunk_names)
    FROM @extschema@.stream_ranges(_category, _head.first_time, _head.time) AS r;
  ELSE
    FOR _range IN
      SELECT r.range, r.chunk_names
      FROM @extschema@.stream_ranges(
        _category, CASE WHEN $2 IS NULL THEN _head.time ELSE _head.first_time END, _head.time
      ) AS r
      ORDER BY r.range DESC
    LOOP
      -- Newer chunks had no such message and this gap is next: it may be in there.
      EXIT WHEN _gone.range_start >= pg_catalog.upper(_range.range);
      RETURN QUERY EXECUTE @extschema@.select_messages(
        $3, ARRAY[_range.range], NULL, _order_by
      ) USING $1, _category, 1, _head.position, $2;
      GET DIAGNOSTICS _rows = ROW_COUNT;
      PERFORM @extschema@.check_chunks_exist(_range.chunk_names);
      EXIT WHEN _rows > 0;
    END LOOP;
  END IF;

  IF coalesce(_rows, 0) = 0 AND _gone.range_start IS NOT NULL THEN
    PERFORM @extschema@.raise_archived($1::text, _head.position, _gone);
  END IF;
END;
$$;
