-- The plain table's messages of a range of time, as they are, into the store. To name the bucket
-- passes the trigger that would look at each of them; what it keeps true is made true in bulk by
-- load_ids, load_heads, set_sequence and close_ended_chunks.
INSERT INTO @store@.messages
  (global_position, position, time, stream_name, type, data, metadata, id, position_bucket,
    correlation_category)
SELECT m.global_position, m.position, m.time AT TIME ZONE 'UTC', m.stream_name, m.type, m.data,
  m.metadata, m.id, m.global_position >> 14,
  coalesce(split_part(m.metadata ->> 'correlationStreamName', '-', 1), '-')
FROM @plain@.messages AS m
WHERE m.time >= %(start)s::timestamptz AT TIME ZONE 'UTC'
  AND m.time < %(end)s::timestamptz AT TIME ZONE 'UTC'
ORDER BY m.global_position
