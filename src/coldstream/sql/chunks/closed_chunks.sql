-- audience: part
-- The first few closed chunks that hold messages of a category (NULL: of any) between two global
-- positions, in the order of the first such position. Chunks that have left the database are among
-- them where asked for; where not, the walk over them ends at the last position.
CREATE OR REPLACE FUNCTION @extschema@.closed_chunks(
  category text,
  "position" bigint,
  max_chunks integer,
  with_dropped boolean,
  last_position bigint
)
RETURNS @extschema@.chunk_range[]
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  IF $1 IS NULL THEN
    RETURN ARRAY(
      SELECT (c.range_start, c.range_end, c.chunk_name, c.state,
        c.first_global_position, c.last_global_position, c.messages)::@extschema@.chunk_range
      FROM @extschema@.chunks AS c
      WHERE c.state <> 'open' AND c.last_global_position >= $2
        AND c.first_global_position <= $5 AND ($4 OR c.state <> 'dropped')
      ORDER BY c.first_global_position
      LIMIT $3
    );
  END IF;

  RETURN ARRAY(
    SELECT (c.range_start, c.range_end, c.chunk_name, c.state,
      r.first_global_position, r.last_global_position, r.messages)::@extschema@.chunk_range
    FROM @extschema@.chunk_categories AS r
    JOIN @extschema@.chunks AS c ON c.range_start = r.range_start
    WHERE r.category = $1 AND c.state <> 'open' AND r.last_global_position >= $2
      AND r.first_global_position <= $5 AND ($4 OR c.state <> 'dropped')
    ORDER BY r.first_global_position
    LIMIT $3
  );
END;
$$;
