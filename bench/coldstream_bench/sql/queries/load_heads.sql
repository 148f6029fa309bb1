INSERT INTO @store@.streams (stream_name, position, first_time, time)
SELECT m.stream_name, max(m.position), min(m.time) AT TIME ZONE 'UTC', max(m.time) AT TIME ZONE 'UTC'
FROM @plain@.messages AS m
GROUP BY m.stream_name
ORDER BY min(m.global_position)
