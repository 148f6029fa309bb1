-- The last range of time to read for one stream between two times: stream_window, walked backwards.
-- Gives a chunk a time, because who walks backwards is after one message.
CREATE OR REPLACE FUNCTION @extschema@.stream_window_before(
  stream_name text,
  from_time timestamptz,
  to_time timestamptz,
  closed_before timestamptz,
  OUT range tstzrange,
  OUT chunk_names text[]
)
RETURNS record
LANGUAGE plpgsql STABLE
AS $$
DECLARE
  _category text := pg_catalog.split_part($1, '-', 1);
  _end timestamptz := $3 + INTERVAL '1 microsecond';
  _chunk record;
BEGIN
  chunk_names := '{}';
  IF $2 > $3 THEN
    RETURN;
  END IF;

  IF $3 >= $4 THEN
    range := pg_catalog.tstzrange(greatest($2, $4), _end);
    chunk_names := @extschema@.unclosed_chunk_names(greatest($2, $4));
    RETURN;
  END IF;

  FOR _chunk IN
    SELECT c.range_start, c.range_end, coalesce(c.chunk_name, c.part_name) AS chunk_name
    FROM @extschema@.chunks AS c
    WHERE c.range_start <= $3
      AND (
        c.state <> 'dropped'
        OR c.part_name IS NOT NULL AND @extschema@.stream_matches($1, c.part_streams)
      ) AND (
        c.range_end <= $2 OR c.state = 'open' OR EXISTS (
          SELECT FROM @extschema@.chunk_categories AS r
          WHERE r.category = _category AND r.range_start = c.range_start
        )
      )
    ORDER BY c.range_start DESC
  LOOP
    EXIT WHEN _chunk.range_end <= $2;
    range := pg_catalog.tstzrange(greatest(_chunk.range_start, $2), least(_chunk.range_end, _end));
    chunk_names := ARRAY[_chunk.chunk_name];
    EXIT;
  END LOOP;
END;
$$;
