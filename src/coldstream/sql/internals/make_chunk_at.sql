-- Makes the chunk of a time. A message is written and deleted at once: so TimescaleDB aligns the chunk
-- as it would any other, and every edition can do it.
CREATE OR REPLACE FUNCTION @extschema@.make_chunk_at("time" timestamptz)
RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  INSERT INTO @extschema@.messages (global_position, position, stream_name, type, time, position_bucket)
  VALUES (0, 0, '', '', $1, 0);
  EXECUTE format('DELETE FROM @extschema@.messages WHERE global_position = 0 AND time = %L', $1);
END;
$$;
