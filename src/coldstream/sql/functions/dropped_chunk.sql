-- The first chunk with messages of a category that has left the database, of those between two times:
-- where its range starts, or NULL.
CREATE OR REPLACE FUNCTION @extschema@.dropped_chunk(
  category text,
  from_time timestamptz,
  to_time timestamptz
)
RETURNS timestamptz
LANGUAGE plpgsql STABLE
AS $$
BEGIN
  RETURN (
    SELECT c.range_start
    FROM @extschema@.chunks AS c
    WHERE c.state = 'dropped' AND c.range_end > $2 AND c.range_start <= $3 AND EXISTS (
      SELECT FROM @extschema@.chunk_categories AS r
      WHERE r.category = $1 AND r.range_start = c.range_start
    )
    ORDER BY c.range_start
    LIMIT 1
  );
END;
$$;
