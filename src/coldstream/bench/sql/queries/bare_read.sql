-- What every read runs, without the ledger and the head that told it where to look.
SELECT m.id::varchar, m.stream_name::varchar, m.type::varchar, m.position, m.global_position,
  m.data::varchar, m.metadata::varchar, m.time AT TIME ZONE 'UTC' AS time
FROM @store@.messages AS m
WHERE @filter@
