-- With their bucket, so past the trigger: heads and ledger are made true for all of them. An id that a
-- message of another range has is that message's.
WITH merged AS (
  INSERT INTO @extschema@.messages
    (global_position, position, time, stream_name, type, data, metadata, id, position_bucket)
  SELECT u.global_position, u.position, u.time, u.stream_name, u.type,
    u.data::pg_catalog.jsonb, u.metadata::pg_catalog.jsonb, u.id, u.global_position >> 14
  FROM unnest(
    %s::bigint[], %s::bigint[], %s::timestamptz[], %s::text[], %s::text[], %s::text[], %s::text[],
    %s::uuid[]
  ) AS u (global_position, position, time, stream_name, type, data, metadata, id)
  RETURNING id, global_position
)
INSERT INTO @extschema@.recent_ids (id, global_position)
SELECT m.id, m.global_position FROM merged AS m
ON CONFLICT DO NOTHING
