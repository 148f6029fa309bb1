-- Where a message with this id was written, in the window in which ids are unique.
SELECT m.position, m.global_position
FROM @extschema@.messages AS m
WHERE m.id = %s AND m.stream_name = %s AND m.time >= (SELECT s.rows_since FROM @extschema@.store AS s)
