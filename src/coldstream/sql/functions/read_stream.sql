-- Messages of one stream, in order of position.
--
-- The head gives the bounds in time; between them the ledger's chunks are read a few a statement,
-- because planning over every chunk is what grows with age. STABLE, so that the head, the ledger and
-- the messages are seen at one moment; see read_positions.
CREATE OR REPLACE FUNCTION @extschema@.read_stream(
  stream_name varchar,
  "position" bigint,
  batch_size bigint,
  filter text,
  condition varchar
)
RETURNS SETOF @extschema@.message
LANGUAGE plpgsql STABLE
AS $$
DECLARE
  _left bigint := nullif($3, -1);
  _category text := pg_catalog.split_part($1, '-', 1);
  _head @extschema@.streams;
  _ranges tstzrange[];
  _range record;
  _rows bigint;
BEGIN
  SELECT s.* INTO _head FROM @extschema@.streams AS s WHERE s.stream_name = $1;
  IF NOT FOUND OR $2 > _head.position THEN
    -- Over no chunk, and still run: a condition that is wrong is an error for any stream.
    RETURN QUERY EXECUTE @extschema@.select_messages(
      $4, ARRAY[pg_catalog.tstzrange('infinity', 'infinity')], $5, 'position ASC'
    ) USING $1, $2, _left, _category;
    RETURN;
  END IF;

  PERFORM @extschema@.check_stream_present(
    _head,
    $2,
    CASE
      WHEN $5 IS NULL AND _left <= _head.position - greatest($2, 0)
        THEN greatest($2, 0) + _left - 1
      ELSE _head.position
    END
  );

  IF NOT _head.time_ordered THEN
    SELECT pg_catalog.array_agg(r.range) INTO _ranges
    FROM @extschema@.stream_ranges(_category, _head.first_time, _head.time) AS r;
    RETURN QUERY EXECUTE @extschema@.select_messages($4, _ranges, $5, 'position ASC')
      USING $1, $2, _left, _category;
    PERFORM @extschema@.check_chunks_exist(r.chunk_names)
    FROM @extschema@.stream_ranges(_category, _head.first_time, _head.time) AS r;
    RETURN;
  END IF;

  FOR _range IN
    SELECT r.range, r.chunk_names
    FROM @extschema@.stream_ranges(_category, _head.first_time, _head.time) AS r
  LOOP
    RETURN QUERY EXECUTE @extschema@.select_messages(
      $4, ARRAY[_range.range], $5, 'position ASC'
    ) USING $1, $2, _left, _category;
    GET DIAGNOSTICS _rows = ROW_COUNT;
    PERFORM @extschema@.check_chunks_exist(_range.chunk_names);
    _left := _left - _rows;
    EXIT WHEN _left <= 0;
  END LOOP;
END;
$$;
