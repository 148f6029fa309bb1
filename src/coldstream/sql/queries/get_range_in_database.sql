-- get_messages_in_database for all of a range of global positions, in no order: to sort the rows where
-- they are wide costs a third as much as all the rest. They end where they have more bytes of JSON than
-- a client wants to hold, with a row that has no id: then the client forgets them. A running sum, because
-- one over all rows keeps them all until it is known, on disk where they are many: half as much again.
SELECT CASE WHEN bytes <= %(max_bytes)s THEN id::uuid END AS id, stream_name, type, position,
  global_position, data, metadata, time
FROM (
  SELECT r.*, pg_catalog.sum(r.own_bytes) OVER (ROWS UNBOUNDED PRECEDING) AS bytes
  FROM (
    SELECT p.*,
      coalesce(pg_catalog.octet_length(p.data), 0) + coalesce(pg_catalog.octet_length(p.metadata), 0)
        AS own_bytes
    FROM @extschema@.read_positions(
      %(category)s, %(position)s, -1,
      @extschema@.category_filter(
        %(category)s, %(correlation)s, %(consumer_group_member)s, %(consumer_group_size)s
      ),
      NULL, %(correlation)s, %(consumer_group_member)s, %(consumer_group_size)s,
      %(archive_epoch)s, %(last_position)s, false
    ) AS p
  ) AS r
) AS m
WHERE bytes - own_bytes <= %(max_bytes)s
