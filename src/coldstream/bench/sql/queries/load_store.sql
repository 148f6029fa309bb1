-- The plain table's messages of a range of time, as they are, into the store. Run with
-- coldstream.writing, which passes the trigger that would look at each of them; what the trigger
-- keeps true is made true in bulk by load_heads, close_ended_chunks and set_sequence.
INSERT INTO @store@.messages
  (global_position, position, time, stream_name, type, data, metadata, id)
SELECT m.global_position, m.position, m.time AT TIME ZONE 'UTC', m.stream_name, m.type, m.data,
  m.metadata, m.id
FROM @plain@.messages AS m
WHERE m.time >= %(start)s::timestamptz AT TIME ZONE 'UTC'
  AND m.time < %(end)s::timestamptz AT TIME ZONE 'UTC'
ORDER BY m.global_position
