-- Back as they were: with their bucket, so past the trigger, which would move heads and ledger.
INSERT INTO @extschema@.messages
  (global_position, position, time, stream_name, type, data, metadata, id, position_bucket)
SELECT u.global_position, u.position, u.time, u.stream_name, u.type,
  u.data::json, u.metadata::json, u.id, u.global_position >> 14
FROM unnest(
  %s::bigint[], %s::bigint[], %s::timestamptz[], %s::text[], %s::text[], %s::text[], %s::text[],
  %s::uuid[]
) AS u (global_position, position, time, stream_name, type, data, metadata, id)
