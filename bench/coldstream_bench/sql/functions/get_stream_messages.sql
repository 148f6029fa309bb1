-- A stream's messages in the order of positions; the statement is put together at every call, because
-- a caller's condition goes into its text.
CREATE FUNCTION @extschema@.get_stream_messages(
  stream_name varchar,
  "position" bigint DEFAULT 0,
  batch_size bigint DEFAULT 1000,
  condition varchar DEFAULT NULL
)
RETURNS SETOF @extschema@.message LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
  _statement text := '
    SELECT m.id::varchar, m.stream_name::varchar, m.type::varchar, m.position, m.global_position,
      m.data::varchar, m.metadata::varchar, m.time
    FROM @extschema@.messages AS m
    WHERE m.stream_name = $1 AND m.position >= $2';
BEGIN
  IF @extschema@.is_category($1) THEN
    RAISE EXCEPTION 'Must be a stream name: %', $1;
  END IF;

  IF $4 IS NOT NULL THEN
    _statement := _statement || format(' AND (%s)', $4);
  END IF;
  _statement := _statement || ' ORDER BY m.position ASC';
  IF $3 <> -1 THEN
    _statement := _statement || ' LIMIT $3';
  END IF;

  RETURN QUERY EXECUTE _statement USING $1, $2, $3;
END;
$$;
