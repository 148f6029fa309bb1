-- Lock the category, look for the version, check the expected one, insert.
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
  RETURN _version + 1;
END;
$$;
