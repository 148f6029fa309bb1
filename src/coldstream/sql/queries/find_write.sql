-- Where a message with this id was written, in the window in which ids are unique.
SELECT m.position, m.global_position
FROM @extschema@.recent_ids AS r
JOIN @extschema@.messages AS m ON m.global_position = r.global_position AND m.id = r.id
WHERE r.id = %s AND m.stream_name = %s AND m.time >= (SELECT s.rows_since FROM @extschema@.store AS s)
