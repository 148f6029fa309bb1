-- audience: internal
-- Puts the messages of the session's table incoming into messages as they are, by one statement. They name
-- their bucket, and so go past the trigger: heads, ids and the ledger are the caller's work.
CREATE OR REPLACE FUNCTION @extschema@.take_incoming()
RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  INSERT INTO @extschema@.messages
    (global_position, position, time, stream_name, type, data, metadata, id, position_bucket,
    correlation_category)
  SELECT i.global_position, i.position, i.time, i.stream_name, i.type, i.data::json, i.metadata::json, i.id,
    i.global_position >> 14,
    coalesce(
      i.correlation_category, split_part(i.metadata::json ->> 'correlationStreamName', '-', 1), '-'
    )
  FROM pg_temp.incoming AS i;
END;
$$;
