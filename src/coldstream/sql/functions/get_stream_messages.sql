-- Message DB: messages of one stream, in order of position.
--
-- The head gives the bounds in time; between them the ledger's chunks are read a few a statement,
-- because planning over every chunk is what grows with age.
CREATE OR REPLACE FUNCTION @extschema@.get_stream_messages(
  stream_name varchar,
  "position" bigint DEFAULT 0,
  batch_size bigint DEFAULT 1000,
  condition varchar DEFAULT NULL
)
RETURNS SETOF @extschema@.message
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
  _position bigint := coalesce($2, 0);
  _batch_size bigint := coalesce($3, 1000);
  _left bigint := nullif(_batch_size, -1);
  _category text := pg_catalog.split_part($1, '-', 1);
  _filter constant text := 'm.stream_name = $1 AND m.category = $4 AND m.position >= $2';
  _ranges tstzrange[];
  _range record;
  _head @extschema@.streams;
  _rows bigint;
BEGIN
  IF @extschema@.is_category($1) THEN
    RAISE EXCEPTION 'Must be a stream name: %', $1;
  END IF;
  PERFORM @extschema@.check_condition($4);
  PERFORM @extschema@.check_batch_size(_batch_size);

  IF @extschema@.debugging('message_store.debug_get') THEN
    RAISE NOTICE '» get_stream_messages';
    RAISE NOTICE 'stream_name ($1): %', $1;
    RAISE NOTICE 'position ($2): %', _position;
    RAISE NOTICE 'batch_size ($3): %', _batch_size;
    RAISE NOTICE 'condition ($4): %', $4;
    RAISE NOTICE 'Generated Command: %', @extschema@.select_messages(
      _filter, ARRAY[pg_catalog.tstzrange('-infinity', 'infinity')], $4, 'position ASC'
    );
  END IF;

  SELECT s.* INTO _head FROM @extschema@.streams AS s WHERE s.stream_name = $1;
  IF NOT FOUND OR _position > _head.position THEN
    -- Over no chunk, and still run: a condition that is wrong is an error for any stream.
    RETURN QUERY EXECUTE @extschema@.select_messages(
      _filter, ARRAY[pg_catalog.tstzrange('infinity', 'infinity')], $4, 'position ASC'
    ) USING $1, _position, _left, _category;
    RETURN;
  END IF;

  PERFORM @extschema@.check_stream_present(
    _head,
    _position,
    CASE
      WHEN $4 IS NULL THEN least(_head.position, _position + _left - 1)
      ELSE _head.position
    END
  );

  IF NOT _head.time_ordered THEN
    SELECT pg_catalog.array_agg(r.range) INTO _ranges
    FROM @extschema@.stream_ranges(_category, _head.first_time, _head.time) AS r;
    RETURN QUERY EXECUTE @extschema@.select_messages(_filter, _ranges, $4, 'position ASC')
      USING $1, _position, _left, _category;
    RETURN;
  END IF;

  FOR _range IN
    SELECT r.range, r.chunk_names
    FROM @extschema@.stream_ranges(_category, _head.first_time, _head.time) AS r
  LOOP
    RETURN QUERY EXECUTE @extschema@.select_messages(
      _filter, ARRAY[_range.range], $4, 'position ASC'
    ) USING $1, _position, _left, _category;
    GET DIAGNOSTICS _rows = ROW_COUNT;
    PERFORM @extschema@.check_chunks_exist(_range.chunk_names);
    _left := _left - _rows;
    EXIT WHEN _left <= 0;
  END LOOP;
END;
$$;
