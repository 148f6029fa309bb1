-- name: message_of_time
-- Where a message is, by its id and a time that it was written at or near; of a range that is in the database.
SELECT m.stream_name, m.position
FROM @extschema@.messages AS m
WHERE m.time >= %s::timestamptz AND m.time < %s::timestamptz AND m.id OPERATOR(pg_catalog.=) %s
LIMIT 1

-- name: position_of_id
-- The global position of a message that is in row form, by its id.
SELECT r.global_position FROM @extschema@.recent_ids AS r WHERE r.id OPERATOR(pg_catalog.=) %s
