-- name: import_messages
-- Messages with times of their own, for the store's owner.
SELECT import_messages
FROM @extschema@.import_messages(
  %s::bigint[], %s::timestamptz[], %s::varchar[], %s::varchar[],
  %s::jsonb[], %s::jsonb[], %s::uuid[], %s::bigint[]
)

-- name: import_incoming
-- What fill_incoming has put there, in the same transaction; gives how many there were.
SELECT pg_catalog.cardinality(@extschema@.import_incoming(%s::boolean))

-- name: taken_global_positions
-- Those of the database that lie among an archived range's, and are not of that range.
SELECT m.global_position
FROM @extschema@.messages AS m
WHERE m.global_position BETWEEN %(first)s::bigint AND %(last)s::bigint
  AND m.position_bucket BETWEEN %(first)s::bigint >> 14 AND %(last)s::bigint >> 14
  AND NOT (m.time >= %(start)s::timestamptz AND m.time < %(end)s::timestamptz)

-- name: write_message
-- currval is the message's own: this session has drawn no global position since.
SELECT w.position, currval('@extschema@.messages_global_position_seq') AS global_position
FROM @extschema@.write_message(%s, %s, %s, %s::jsonb, %s::jsonb, %s) AS w (position)

-- name: write_messages
SELECT position, global_position
FROM @extschema@.write_messages(%s, %s, %s, %s, %s, %s::jsonb)
