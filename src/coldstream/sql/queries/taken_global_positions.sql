-- Those of the database that lie among an archived range's, and are not of that range.
SELECT m.global_position
FROM @extschema@.messages AS m
WHERE m.global_position BETWEEN %(first)s::bigint AND %(last)s::bigint
  AND m.position_bucket BETWEEN %(first)s::bigint >> 14 AND %(last)s::bigint >> 14
  AND NOT (m.time >= %(start)s::timestamptz AND m.time < %(end)s::timestamptz)
