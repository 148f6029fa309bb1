-- What a read of a category runs, without the ledger that told it where to look. A page is in order; who
-- catches up sorts nothing.
SELECT m.id::varchar, m.stream_name::varchar, m.type::varchar, m.position, m.global_position,
  m.data::varchar, m.metadata::varchar, m.time AT TIME ZONE 'UTC' AS time
FROM @store@.messages AS m
WHERE m.stream_category = '@category@'
  AND m.global_position BETWEEN @first@ AND @last@
  AND m.position_bucket BETWEEN @first@ >> 14 AND @last@ >> 14
  AND m.time BETWEEN '@first_time@' AND '@last_time@'
