-- get_messages_in_database for all of a range of global positions, in no order: to sort the rows where
-- they are wide costs a third as much as all the rest. No row where they have more bytes of JSON than
-- a client wants to hold.
SELECT id::uuid, stream_name, type, position, global_position, data, metadata, time
FROM (
  SELECT r.*, pg_catalog.sum(
    coalesce(pg_catalog.octet_length(r.data), 0) + coalesce(pg_catalog.octet_length(r.metadata), 0)
  ) OVER () AS bytes
  FROM @extschema@.read_positions(
    %(category)s, %(position)s, -1,
    @extschema@.category_filter(
      %(category)s, %(correlation)s, %(consumer_group_member)s, %(consumer_group_size)s
    ),
    NULL, %(correlation)s, %(consumer_group_member)s, %(consumer_group_size)s,
    %(archive_epoch)s, %(last_position)s, false
  ) AS r
) AS m
WHERE bytes <= %(max_bytes)s
