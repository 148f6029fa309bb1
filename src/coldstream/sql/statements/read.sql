-- name: archive_epoch
-- Changes whenever a range leaves or re-enters the database.
SELECT s.archive_epoch FROM @extschema@.store AS s

-- name: archived_chunks
-- The epoch of the ledger, and the archived files that may have messages of a category (NULL: of any) at
-- or after a global position: those of the first few chunks that have left the database, by the position
-- of their first message. One row at least; a NULL range where there is none. next_position: where the
-- first chunk that is not listed begins, NULL where all are.
WITH listed AS (
  SELECT u.*, pg_catalog.row_number() OVER (ORDER BY u.first_global_position) AS number
  FROM (
    (
      SELECT c.range_start, c.range_end, c.archive_url, c.archive_format,
        r.first_global_position, r.last_global_position
      FROM @extschema@.chunk_categories AS r
      JOIN @extschema@.chunks AS c ON c.range_start = r.range_start
      WHERE r.category = %(category)s::text AND r.last_global_position >= %(position)s
        AND c.state = 'dropped'
      ORDER BY r.first_global_position
      LIMIT %(count)s::bigint + 1
    )
    UNION ALL
    (
      SELECT c.range_start, c.range_end, c.archive_url, c.archive_format,
        c.first_global_position, c.last_global_position
      FROM @extschema@.chunks AS c
      WHERE %(category)s::text IS NULL AND c.last_global_position >= %(position)s
        AND c.state = 'dropped'
      ORDER BY c.first_global_position
      LIMIT %(count)s::bigint + 1
    )
  ) AS u
)
SELECT s.archive_epoch,
  (
    SELECT l.first_global_position FROM listed AS l WHERE l.number = %(count)s::bigint + 1
  ) AS next_position,
  c.range_start, c.range_end, c.archive_url, c.archive_url <> s.archive_url AS is_elsewhere,
  f.object, c.archive_format, f.bytes, f.sha256, f.footer_bytes, f.footer_sha256,
  greatest(f.first_global_position, c.first_global_position),
  least(f.last_global_position, c.last_global_position)
FROM @extschema@.store AS s
LEFT JOIN (
  listed AS c
  -- One by one: the planner would rather hash all files.
  LEFT JOIN LATERAL (
    SELECT a.* FROM @extschema@.archive_files AS a WHERE a.range_start = c.range_start OFFSET 0
  ) AS f ON true
) ON c.number <= %(count)s::bigint
  -- The names of a category's streams are the category, or begin with it and a hyphen, which a full stop
  -- follows in the order of names.
  AND (
    %(category)s::text IS NULL OR f.first_stream_name IS NULL
    OR f.last_stream_name >= %(category)s::text COLLATE "C"
    AND f.first_stream_name < (%(category)s::text || '.') COLLATE "C"
  )
  -- Of a category whose messages come before all of the file's, or after them, it has none.
  AND (
    f.object IS NULL OR greatest(f.first_global_position, c.first_global_position, %(position)s)
      <= least(f.last_global_position, c.last_global_position)
  )
ORDER BY c.range_start, f.number

-- name: archived_chunks_of_stream
-- The archived files that may have messages of a stream from a position on, oldest first: of the first few
-- chunks that have left the database (see dropped_chunks_of_stream), those among whose names its name is.
-- A chunk without such a file has a row where it was dropped by force. One row at least; a NULL range where
-- there is none. is_more: some are not listed. in_order: the stream's positions follow the order of the
-- chunks that are listed, and of those that are not: neither do positions go back in time, nor do ranges
-- overlap. version: the stream's.
WITH listed AS (
  SELECT c.range_start, c.range_end, c.archive_url, c.archive_format,
    -- The stream begins or ends in it.
    h.first_time >= c.range_start OR h.time < c.range_end AS is_end,
    pg_catalog.row_number() OVER (ORDER BY c.range_start) AS number,
    c.range_start < pg_catalog.max(c.range_end) OVER (
      ORDER BY c.range_start ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
    ) AS overlaps
  FROM @extschema@.dropped_chunks_of_stream(
    %(stream_name)s, %(position)s, %(count)s::bigint + 1
  ) AS l (range_start)
  JOIN @extschema@.chunks AS c ON c.range_start = l.range_start
  JOIN @extschema@.streams AS h
    ON pg_catalog.md5(h.stream_name)::uuid = pg_catalog.md5(%(stream_name)s)::uuid
    AND h.stream_name = %(stream_name)s
)
SELECT s.archive_epoch,
  (SELECT 1 FROM listed AS l WHERE l.number = %(count)s::bigint + 1) AS is_more,
  h.time_ordered AND NOT EXISTS (SELECT FROM listed AS l WHERE l.overlaps) AS in_order,
  h.position AS version,
  c.range_start, c.range_end, c.archive_url, c.archive_url <> s.archive_url AS is_elsewhere,
  f.object, c.archive_format, f.bytes, f.sha256, f.footer_bytes, f.footer_sha256,
  f.first_global_position, f.last_global_position,
  -- Where its name is among those of several files, it may not be in each of them.
  c.is_end AND pg_catalog.count(*) OVER (PARTITION BY c.range_start) = 1 AS has_stream
FROM @extschema@.store AS s
LEFT JOIN @extschema@.streams AS h
  ON pg_catalog.md5(h.stream_name)::uuid = pg_catalog.md5(%(stream_name)s)::uuid
  AND h.stream_name = %(stream_name)s
LEFT JOIN (
  listed AS c
  -- One by one: the planner would rather hash all files.
  LEFT JOIN LATERAL (
    SELECT a.* FROM @extschema@.archive_files AS a WHERE a.range_start = c.range_start OFFSET 0
  ) AS f ON true
) ON c.number <= %(count)s::bigint AND (
  f.first_stream_name IS NULL
  OR %(stream_name)s::text COLLATE "C" BETWEEN f.first_stream_name AND f.last_stream_name
)
ORDER BY c.range_start, f.number

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

-- name: last_position
-- The last global position that was drawn; not the frontier: a writer may be at work below it.
SELECT CASE WHEN s.is_called THEN s.last_value ELSE 0 END
FROM @extschema@.messages_global_position_seq AS s

-- name: matching_streams
-- Of these streams, those that a pattern matches, and whether one of the earlier patterns does.
SELECT u.name, @extschema@.stream_matches(u.name, %(loaded)s)
FROM unnest(%(names)s::text[]) AS u (name)
WHERE @extschema@.stream_matches(u.name, %(streams)s)

-- name: stream_versions
-- The versions of these streams, in their order: -1 for one that has no messages.
SELECT u.stream_name, coalesce(@extschema@.stream_version(u.stream_name), -1)
FROM unnest(%s) WITH ORDINALITY AS u (stream_name, number)
ORDER BY u.number
