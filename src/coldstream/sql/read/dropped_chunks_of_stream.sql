-- audience: part
-- The first few chunks that have left the database and may have messages of a stream from a position on,
-- by where their ranges start: of its category, in its lifetime, and not before its last mark that is not
-- past the position (see mark_streams).
--
-- Read in the order of the ledger's key, which the settings are for, and no further than is asked for.
CREATE OR REPLACE FUNCTION @extschema@.dropped_chunks_of_stream(
  stream_name text,
  "position" bigint,
  max_chunks bigint
)
RETURNS SETOF timestamptz
LANGUAGE plpgsql STABLE ROWS 8
SET enable_sort = off
SET enable_bitmapscan = off
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  _start timestamptz;
  _end timestamptz;
  _earliest timestamptz;
BEGIN
  SELECT h.time, greatest(
    h.first_time,
    CASE WHEN h.time_ordered THEN (
      SELECT k.range_start FROM @extschema@.stream_marks AS k
      WHERE k.stream_key = pg_catalog.md5($1)::uuid AND k.position <= $2
      ORDER BY k.position DESC
      LIMIT 1
    ) END
  )
  INTO _end, _start
  FROM @extschema@.streams AS h
  WHERE pg_catalog.md5(h.stream_name)::uuid = pg_catalog.md5($1)::uuid AND h.stream_name = $1;

  _earliest := pg_catalog.lower(@extschema@.range_around(_start));
  RETURN QUERY
  SELECT c.range_start
  FROM @extschema@.chunks AS c
  WHERE c.state = 'dropped' AND c.range_end > _start
    AND c.range_start BETWEEN _earliest AND _end
    AND EXISTS (
      SELECT FROM @extschema@.chunk_categories AS r
      WHERE r.range_start = c.range_start AND r.category = pg_catalog.split_part($1, '-', 1)
    )
  ORDER BY c.range_start
  LIMIT $3;
END;
$$;
