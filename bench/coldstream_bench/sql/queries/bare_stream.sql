-- What a read of a stream runs, without the head that told it where to look.
SELECT m.id::varchar, m.stream_name::varchar, m.type::varchar, m.position, m.global_position,
  m.data::varchar, m.metadata::varchar, m.time AT TIME ZONE 'UTC' AS time
FROM @store@.messages AS m
WHERE m.stream_name = '@name@' AND m.stream_category = '@category@'
  AND m.position BETWEEN @first@ AND @last@
  AND m.time BETWEEN '@first_time@' AND '@last_time@'
ORDER BY m.position
