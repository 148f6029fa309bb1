-- name: archive_epoch
-- Changes whenever a range leaves or re-enters the database.
SELECT s.archive_epoch FROM @extschema@.store AS s

-- name: count_range_in_database
-- What closing a range would count.
SELECT pg_catalog.count(*), pg_catalog.min(m.global_position), pg_catalog.max(m.global_position)
FROM @extschema@.messages AS m
WHERE m.time >= %s AND m.time < %s

-- name: find_messages
SELECT f.stream_name, f.id::pg_catalog.text, f.position, f.global_position, f.archive_epoch
FROM @extschema@.find_messages(%s, %s::pg_catalog.uuid[]) AS f

-- name: get_last_stream_message
SELECT id::uuid, stream_name, type, position, global_position, data, metadata, time
FROM @extschema@.get_last_stream_message(%s, %s)

-- name: get_messages_in_database
-- The database's share of get_category_messages, or of get_all_messages for a NULL category, for a
-- client that reads the archive itself. archive_epoch is the one its list of archived chunks was read
-- with; an error (CS002) says that the list is out of date.
SELECT id::uuid, stream_name, type, position, global_position, data, metadata, time
FROM @extschema@.read_positions(
  %(category)s, %(position)s, %(batch_size)s,
  @extschema@.category_filter(
    %(category)s, %(correlation)s, %(consumer_group_member)s, %(consumer_group_size)s
  ),
  NULL, %(correlation)s, %(consumer_group_member)s, %(consumer_group_size)s,
  %(archive_epoch)s, %(last_position)s
)

-- name: category_page
SELECT id::uuid, stream_name, type, position, global_position, data, metadata, time
FROM @extschema@.category_page(%s, %s, %s, %s, %s, %s, %s)

-- name: get_range_in_database
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

-- name: get_stream_messages
SELECT id::uuid, stream_name, type, position, global_position, data, metadata, time
FROM @extschema@.get_stream_messages(%s, %s, %s)

-- name: get_stream_messages_in_database
SELECT id::uuid, stream_name, type, position, global_position, data, metadata, time
FROM @extschema@.get_stream_messages_in_database(%s, %s, %s)

-- name: has_matching_stream
-- Whether any stream that lived between two times is matched.
SELECT EXISTS (
  SELECT FROM @extschema@.streams AS s
  WHERE s.time >= %(start)s AND s.first_time < %(end)s
    AND @extschema@.stream_matches(s.stream_name, %(streams)s)
)

-- name: known_digests
-- What this database knows of each archived range: the rows of its manifest, where that is, and the rows
-- of the manifest that a rebuild took in.
SELECT c.range_start, c.digest, c.archive_url, c.seen_digest
FROM @extschema@.chunks AS c
WHERE c.digest IS NOT NULL OR c.seen_digest IS NOT NULL

-- name: known_manifest
-- What the newest manifest of a range in its archive may be, by what this database knows: the one it
-- recorded, and the one it was about to commit.
SELECT c.archive_manifest, c.digest, c.archive_url, c.seen_manifest, c.seen_digest
FROM @extschema@.chunks AS c
WHERE c.range_start = %s

-- name: last_message
SELECT id::uuid, stream_name, type, position, global_position, data, metadata, time
FROM @extschema@.last_message(%s, %s, %s)

-- name: last_position
-- The last global position that was drawn; not the frontier: a writer may be at work below it.
SELECT CASE WHEN s.is_called THEN s.last_value ELSE 0 END
FROM @extschema@.messages_global_position_seq AS s

-- name: matching_streams
-- Of these streams, those that a pattern matches, and whether one of the earlier patterns does.
SELECT u.name, @extschema@.stream_matches(u.name, %(loaded)s)
FROM unnest(%(names)s::text[]) AS u (name)
WHERE @extschema@.stream_matches(u.name, %(streams)s)

-- name: stream_page
SELECT id::uuid, stream_name, type, position, global_position, data, metadata, time
FROM @extschema@.stream_page(%s, %s, %s, %s)

-- name: stream_versions
-- The versions of these streams, in their order: -1 for one that has no messages.
SELECT u.stream_name, coalesce(@extschema@.stream_version(u.stream_name), -1)
FROM unnest(%s) WITH ORDINALITY AS u (stream_name, number)
ORDER BY u.number
