-- Message DB: writes one message, returns its position in the stream.
CREATE OR REPLACE FUNCTION @extschema@.write_message(
  id varchar,
  stream_name varchar,
  "type" varchar,
  data jsonb,
  metadata jsonb DEFAULT NULL,
  expected_version bigint DEFAULT NULL
)
RETURNS bigint
LANGUAGE plpgsql VOLATILE
AS $$
BEGIN
  RETURN (@extschema@.write_message_returning($1, $2, $3, $4, $5, $6)).position;
END;
$$;
