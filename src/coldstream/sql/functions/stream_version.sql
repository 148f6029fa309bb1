-- Message DB: the position of a stream's last message; NULL for a stream that has none.
-- Reads the head, so it costs the same at any age and survives the drop of a chunk.
CREATE OR REPLACE FUNCTION @extschema@.stream_version(stream_name varchar)
RETURNS bigint
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  RETURN (
    SELECT s.position FROM @extschema@.streams AS s
    WHERE pg_catalog.md5(s.stream_name)::uuid = pg_catalog.md5($1)::uuid AND s.stream_name = $1
  );
END;
$$;
