-- audience: part
-- The first chunk that has left the database with messages that a stream may have had between two times:
-- messages of its category, and the stream is not in the part of it that is back. Where its range
-- starts, or NULL.
CREATE OR REPLACE FUNCTION @extschema@.dropped_chunk(
  stream_name text,
  from_time timestamptz,
  to_time timestamptz
)
RETURNS timestamptz
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  _earliest constant timestamptz := pg_catalog.lower(@extschema@.range_around($2));
BEGIN
  RETURN (
    SELECT c.range_start
    FROM @extschema@.chunks AS c
    WHERE c.state = 'dropped' AND c.range_end > $2 AND c.range_start BETWEEN _earliest AND $3 AND EXISTS (
      SELECT FROM @extschema@.chunk_categories AS r
      WHERE r.category = pg_catalog.split_part($1, '-', 1) AND r.range_start = c.range_start
    ) AND @extschema@.stream_matches($1, c.part_streams) IS NOT TRUE
    ORDER BY c.range_start
    LIMIT 1
  );
END;
$$;
