-- audience: message_db
-- The position of a stream's last message; NULL for a stream that has none.
-- Reads the head, so it costs the same at any age and survives the drop of a chunk.
CREATE OR REPLACE FUNCTION @extschema@.stream_version(stream_name varchar)
RETURNS bigint
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  _position bigint := (
    SELECT s.position FROM @extschema@.streams AS s
    WHERE pg_catalog.md5(s.stream_name)::uuid = pg_catalog.md5($1)::uuid AND s.stream_name = $1
  );
BEGIN
  -- Without a value, too: a schema that was restored without its rows has none.
  IF _position IS NULL AND (
    pg_catalog.pg_sequence_last_value('@extschema@.closed_before') # @extschema@.store_token() < 1099511627776
  ) IS NOT TRUE THEN
    PERFORM @extschema@.check_whole(false);
  END IF;
  RETURN _position;
END;
$$;
