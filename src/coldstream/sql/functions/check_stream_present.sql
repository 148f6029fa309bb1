-- Refuses a stream read of which a part has left the database.
--
-- Positions of a stream have no gaps: where a chunk of the stream's lifetime is gone, the positions
-- asked for are counted, and fewer than there should be is an error. A stream that was idle in that
-- chunk, or is asked for from a later position, passes.
CREATE OR REPLACE FUNCTION @extschema@.check_stream_present(
  head @extschema@.streams,
  "position" bigint,
  last_position bigint
)
RETURNS void
LANGUAGE plpgsql STABLE
AS $$
DECLARE
  _category text := pg_catalog.split_part(($1).stream_name, '-', 1);
  _chunk @extschema@.chunks;
  _range record;
  _rows bigint;
  _present bigint := 0;
BEGIN
  SELECT c.* INTO _chunk
  FROM @extschema@.chunks AS c
  WHERE c.state = 'dropped' AND c.range_end > ($1).first_time AND c.range_start <= ($1).time
    AND EXISTS (
      SELECT FROM @extschema@.chunk_categories AS r
      WHERE r.category = _category AND r.range_start = c.range_start
    )
  ORDER BY c.range_start
  LIMIT 1;
  IF NOT FOUND OR @extschema@.archived_reads() = 'skip' THEN
    RETURN;
  END IF;

  FOR _range IN
    SELECT r.range, r.chunk_names
    FROM @extschema@.stream_ranges(_category, ($1).first_time, ($1).time) AS r
  LOOP
    EXECUTE pg_catalog.format(
      'SELECT count(*) FROM @extschema@.messages AS m
       WHERE m.stream_name = $1 AND m.category = $2 AND m.position BETWEEN $3 AND $4
         AND m.time >= %L AND m.time < %L',
      pg_catalog.lower(_range.range), coalesce(pg_catalog.upper(_range.range), 'infinity')
    ) INTO _rows USING ($1).stream_name, _category, $2, $3;
    _present := _present + _rows;
  END LOOP;

  IF _present < $3 - greatest($2, 0) + 1 THEN
    PERFORM @extschema@.raise_archived(($1).stream_name, $2, _chunk);
  END IF;
END;
$$;
