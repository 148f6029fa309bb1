-- Moves every chunk that ended this long ago into the columnstore; returns those it moved.
CREATE OR REPLACE FUNCTION @extschema@.compress_chunks_older_than(older_than interval)
RETURNS TABLE (
  chunk_name text,
  range_start timestamptz,
  range_end timestamptz,
  row_bytes bigint,
  columnstore_bytes bigint
)
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  _before timestamptz := @extschema@.check_older_than($1);
BEGIN
  PERFORM @extschema@.check_columnstore();
  RETURN QUERY
  SELECT r.chunk_name, r.range_start, r.range_end, r.row_bytes, r.columnstore_bytes
  FROM @extschema@.hypertable_chunks() AS h
  LEFT JOIN @extschema@.chunks AS c ON c.range_start = h.range_start
  CROSS JOIN LATERAL @extschema@.compress_range(h.range_start) AS r
  WHERE h.range_end <= _before AND (
    coalesce(c.state, 'open') IN ('open', 'closed') OR (c.state = 'compressed' AND NOT h.is_compressed)
  );
END;
$$;
