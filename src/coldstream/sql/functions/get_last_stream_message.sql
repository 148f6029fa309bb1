-- Message DB: the last message of a stream, or the last one of a type.
CREATE OR REPLACE FUNCTION @extschema@.get_last_stream_message(
  stream_name varchar,
  "type" varchar DEFAULT NULL
)
RETURNS SETOF @extschema@.message
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
  -- Parameters of the statement: $1 stream, $2 category, $3 batch size, $4 position, $5 type.
  _filter constant text := 'm.stream_name = $1 AND m.category = $2 AND '
    || CASE WHEN $2 IS NULL THEN 'm.position = $4' ELSE 'm.type = $5' END;
BEGIN
  IF @extschema@.debugging('message_store.debug_get') THEN
    RAISE NOTICE '» get_last_message';
    RAISE NOTICE 'stream_name ($1): %', $1;
    RAISE NOTICE 'type ($2): %', $2;
    RAISE NOTICE 'Generated Command: %', @extschema@.select_messages(
      _filter, 1, NULL, 'position DESC'
    );
  END IF;

  RETURN QUERY SELECT m.* FROM @extschema@.read_last($1, $2, _filter) AS m;
END;
$$;
