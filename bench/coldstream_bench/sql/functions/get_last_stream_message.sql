-- A stream's last message, or the last one of a type.
CREATE FUNCTION @extschema@.get_last_stream_message(
  stream_name varchar,
  "type" varchar DEFAULT NULL
)
RETURNS SETOF @extschema@.message LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
  _statement text := '
    SELECT m.id::varchar, m.stream_name::varchar, m.type::varchar, m.position, m.global_position,
      m.data::varchar, m.metadata::varchar, m.time
    FROM @extschema@.messages AS m
    WHERE m.stream_name = $1';
BEGIN
  IF $2 IS NOT NULL THEN
    _statement := _statement || ' AND m.type = $2';
  END IF;
  _statement := _statement || ' ORDER BY m.position DESC LIMIT 1';

  RETURN QUERY EXECUTE _statement USING $1, $2;
END;
$$;
