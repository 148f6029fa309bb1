-- What tools/read_profile.py asks a read for, to know its page, and the statement that gives the same.
SELECT min(m.stream_name), min(m.position), max(m.position), min(m.global_position),
  max(m.global_position), min(m.time) AT TIME ZONE 'UTC', max(m.time) AT TIME ZONE 'UTC'
FROM (@call@) AS m;
SELECT m.id::varchar, m.stream_name::varchar, m.type::varchar, m.position, m.global_position,
  m.data::varchar, m.metadata::varchar, m.time AT TIME ZONE 'UTC' AS time
FROM @store@.messages AS m
WHERE @filter@;
