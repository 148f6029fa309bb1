-- Message DB: messages of one stream, in order of position.
CREATE OR REPLACE FUNCTION @extschema@.get_stream_messages(
  stream_name varchar,
  "position" bigint DEFAULT 0,
  batch_size bigint DEFAULT 1000,
  condition varchar DEFAULT NULL
)
RETURNS SETOF @extschema@.message
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
  _position bigint := coalesce($2, 0);
  _batch_size bigint := coalesce($3, 1000);
  -- Parameters of the statement: $1 stream, $2 first and $5 last position, $3 batch size, $4 category,
  -- which lets the columnstore skip batches.
  _filter constant text :=
    'm.stream_name = $1 AND m.category = $4 AND m.position >= $2 AND m.position <= $5';
BEGIN
  IF @extschema@.is_category($1) THEN
    RAISE EXCEPTION 'Must be a stream name: %', $1;
  END IF;
  IF $4 IS NOT NULL THEN
    PERFORM @extschema@.check_condition($4);
  END IF;

  IF @extschema@.debugging('message_store.debug_get') THEN
    RAISE NOTICE '» get_stream_messages';
    RAISE NOTICE 'stream_name ($1): %', $1;
    RAISE NOTICE 'position ($2): %', _position;
    RAISE NOTICE 'batch_size ($3): %', _batch_size;
    RAISE NOTICE 'condition ($4): %', $4;
    RAISE NOTICE 'Generated Command: %', @extschema@.select_messages(
      _filter, 1, $4, 'position ASC'
    );
  END IF;

  RETURN QUERY SELECT m.* FROM @extschema@.read_stream($1, _position, _batch_size, _filter, $4) AS m;
END;
$$;
