-- The ids of messages in row form: they count as long as their chunks are rows.
INSERT INTO @store@.recent_ids (id, global_position)
SELECT m.id, m.global_position
FROM @plain@.messages AS m
ORDER BY m.global_position
