-- The highest position of a stream's messages.
CREATE FUNCTION @extschema@.stream_version(stream_name varchar)
RETURNS bigint LANGUAGE plpgsql VOLATILE
AS $$
BEGIN
  RETURN (SELECT max(m.position) FROM @extschema@.messages AS m WHERE m.stream_name = $1);
END;
$$;
