-- audience: part
-- The error of a stream read that needs messages which have left the database. It names the first
-- range that left during the stream's lifetime.
CREATE OR REPLACE FUNCTION @extschema@.raise_stream_archived(stream_name text, "position" bigint)
RETURNS void
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  PERFORM @extschema@.raise_archived($1, $2, c, false)
  FROM @extschema@.streams AS h
  JOIN @extschema@.chunks AS c
    ON c.range_start = @extschema@.dropped_chunk($1, h.first_time, h.time)
  WHERE pg_catalog.md5(h.stream_name)::uuid = pg_catalog.md5($1)::uuid
    AND h.stream_name = $1;
END;
$$;
