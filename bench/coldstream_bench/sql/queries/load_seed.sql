INSERT INTO @seed@.messages
  (global_position, position, time, stream_name, type, data, metadata, id)
SELECT m.global_position, m.position, m.time, m.stream_name, m.type, m.data, m.metadata, m.id
FROM @plain@.messages AS m
WHERE m.time >= %(start)s::timestamptz AT TIME ZONE 'UTC'
  AND m.time < %(end)s::timestamptz AT TIME ZONE 'UTC'
ORDER BY m.global_position
