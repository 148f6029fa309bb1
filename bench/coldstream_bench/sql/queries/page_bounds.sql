-- The page that a read gives: what it can be told apart by.
SELECT min(m.stream_name), min(m.position), max(m.position), min(m.global_position),
  max(m.global_position), min(m.time) AT TIME ZONE 'UTC', max(m.time) AT TIME ZONE 'UTC'
FROM (@call@) AS m
