-- Lock the category, look for the version, check the expected one, insert; the settings for debugging
-- are looked at, as in Message DB.
CREATE FUNCTION @extschema@.write_message(
  id varchar,
  stream_name varchar,
  "type" varchar,
  data jsonb,
  metadata jsonb DEFAULT NULL,
  expected_version bigint DEFAULT NULL
)
RETURNS bigint LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
  _version bigint;
BEGIN
  PERFORM @extschema@.acquire_lock($2);
  _version := coalesce(@extschema@.stream_version($2), -1);

  IF $6 IS NOT NULL AND $6 <> _version THEN
    RAISE EXCEPTION 'Wrong expected version: % (Stream: %, Stream Version: %)', $6, $2, _version;
  END IF;

  INSERT INTO @extschema@.messages (id, stream_name, position, type, data, metadata)
  VALUES ($1::uuid, $2, _version + 1, $3, $4, $5);

  IF current_setting('message_store.debug_write', true) = 'on'
    OR current_setting('message_store.debug', true) = 'on'
  THEN
    RAISE NOTICE 'write_message: %, %', $2, _version + 1;
  END IF;
  RETURN _version + 1;
END;
$$;
