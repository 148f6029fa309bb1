-- audience: application
-- Records that a consumer goes past a message that it could not handle. dead_letter_stream: where the
-- message was written instead, in the same transaction.
CREATE OR REPLACE FUNCTION @extschema@.record_consumer_failure(
  consumer text,
  member integer,
  message_id uuid,
  stream_name text,
  "type" text,
  "position" bigint,
  global_position bigint,
  attempts integer,
  error text,
  dead_letter_stream text DEFAULT NULL
)
RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
  INSERT INTO @extschema@.consumer_failures (
    consumer, member, message_id, stream_name, type, position, global_position, attempts, error,
    dead_letter_stream
  ) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10);
END;
$$;
