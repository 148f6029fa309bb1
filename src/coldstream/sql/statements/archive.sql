-- name: archived_manifests
SELECT c.range_start, c.range_end, c.state, c.archive_manifest, c.digest, c.archive_url, ARRAY(
  SELECT f.object FROM @extschema@.archive_files AS f
  WHERE f.range_start = c.range_start
  ORDER BY f.number
)
FROM @extschema@.chunks AS c
WHERE c.archive_manifest IS NOT NULL AND c.range_start < %s AND c.range_end > %s
ORDER BY c.range_start

-- name: archived_objects
-- Every file of the archive that the ledger knows.
SELECT c.range_start, c.range_end, c.state, c.archive_url, f.object, c.archive_format, f.messages
FROM @extschema@.chunks AS c
JOIN @extschema@.archive_files AS f ON f.range_start = c.range_start
ORDER BY c.range_start, f.number

-- name: begin_export
SELECT state, chunk_name, messages FROM @extschema@.begin_export(%s, %s)

-- name: begin_merge
SELECT @extschema@.begin_merge(%s::timestamptz)

-- name: begin_rehydrate
SELECT staged, rows FROM @extschema@.begin_rehydrate(%s, %s::text)

-- name: begin_restore
SELECT @extschema@.begin_restore(%s::uuid, %s::bigint)

-- name: check_manifest
SELECT @extschema@.check_manifest(%s, %s::jsonb)

-- name: copied_from
-- Of a database that is a copy: whether it has its original's tables, as CREATE DATABASE ... TEMPLATE leaves
-- them, or others, as a dump does; and what the original is called, where it is on this server still. No row
-- where it was on another server, or nobody knows.
SELECT i.tables = p.tables, d.datname::text
FROM @extschema@.incarnation AS i
JOIN @extschema@.place_of_store() AS p
  ON p.system_identifier = i.system_identifier AND p.database <> i.database
LEFT JOIN pg_catalog.pg_database AS d ON d.oid = i.database

-- name: drop_range
SELECT state FROM @extschema@.drop_range(%s)

-- name: export_rows
-- The archive's order is by bytes: C, whatever the database's collation.
SELECT m.global_position, m.position, m.time, m.stream_name, m.type, m.data::text AS data,
  m.metadata::text AS metadata, m.id, m.stream_category AS category
FROM @extschema@.messages AS m
WHERE m.time >= {range_start} AND m.time < {range_end}
ORDER BY m.stream_name COLLATE "C", m.position

-- name: files_of_range
-- The files of an archived range, in the archive's order.
SELECT f.object, f.bytes, f.sha256, f.footer_bytes, f.footer_sha256, f.messages, f.first_stream_name,
  f.last_stream_name, f.first_global_position, f.last_global_position
FROM @extschema@.archive_files AS f
WHERE f.range_start = %s
ORDER BY f.number

-- name: finish_export
-- What was about to be committed is recorded. From the first export on nobody archives to another place
-- by mistake.
WITH finished AS (
  UPDATE @extschema@.chunks SET seen_manifest = NULL, seen_digest = NULL WHERE range_start = %s
)
UPDATE @extschema@.store SET archive_url = %s::text WHERE archive_url IS NULL

-- name: finish_merge
SELECT @extschema@.finish_merge(%s::timestamptz, %s::text, %s::text, %s::boolean)

-- name: fill_staged
-- A range's rows, into the table that they are gathered in.
COPY {staged} (
  global_position, position, time, stream_name, type, data, metadata, id, position_bucket, correlation_category
) FROM STDIN (FORMAT binary)

-- name: finish_rehydrate
SELECT chunk_name
FROM @extschema@.finish_rehydrate(
  %s, coalesce(pg_catalog.clock_timestamp() + %s::interval, 'infinity'), %s::text[], %s::text, %s::text
)

-- name: fork_store
SELECT @extschema@.fork_store(%s::uuid, %s::text)

-- name: incarnation
SELECT s.id::text, s.archive_url, i.archive_url, coalesce(i.number, 0), i.token::text,
  i.previous_token::text, coalesce(@extschema@.store_is_here(), false), coalesce(i.is_behind, false)
FROM @extschema@.store AS s
-- Missing where a restore left it out: then nobody knows which database this is.
LEFT JOIN @extschema@.incarnation AS i ON true

-- name: keep_archive_url
-- From the first export on: nobody archives to another place by mistake.
UPDATE @extschema@.store SET archive_url = %s::text WHERE archive_url IS NULL

-- name: keep_range
SELECT state
FROM @extschema@.keep_range(%s, coalesce(pg_catalog.clock_timestamp() + %s::interval, 'infinity'))

-- name: keep_staged
SELECT @extschema@.keep_staged(%s, %s::jsonb)

-- name: move_archive
-- The ranges of an archive that was copied are read in their new place.
WITH moved AS (
  UPDATE @extschema@.chunks SET archive_url = %s::text WHERE archive_url = %s::text
)
UPDATE @extschema@.store SET archive_epoch = archive_epoch + 1

-- name: own_archive
SELECT archive_url FROM @extschema@.store

-- name: ranges_in_archive
-- What the ledger knows of each range in one archive, but for its files.
SELECT c.range_start, c.archive_manifest, c.digest, c.archive_format, coalesce(c.exported_at, c.verified_at),
  coalesce(c.chunk_name, ''), c.seen_manifest
FROM @extschema@.chunks AS c
WHERE c.archive_url = %s AND c.archive_manifest IS NOT NULL AND c.digest IS NOT NULL
ORDER BY c.range_start

-- name: record_claim
SELECT @extschema@.record_claim(%s::text, %s::bigint, %s::uuid)

-- name: record_export
SELECT state FROM @extschema@.record_export(%s, %s, %s, %s::jsonb)

-- name: record_manifest
-- The manifest of a range was written again, under another key.
UPDATE @extschema@.chunks SET archive_manifest = %s::text, seen_manifest = NULL, seen_digest = NULL
WHERE range_start = %s AND digest = %s

-- name: record_verified
SELECT state FROM @extschema@.record_verified(%s, %s, %s, %s::jsonb)

-- name: restore_heads
SELECT @extschema@.restore_heads(%s::text[], %s::bigint[], %s::bigint[], %s::timestamptz[], %s::timestamptz[], %s::boolean[], %s::timestamptz)

-- name: restore_marks
SELECT @extschema@.restore_marks(%s, %s::text[], %s::bigint[])

-- name: restore_plan
-- What is to become of each archived range, by the ledger alone: restored, a range that only the archive
-- has; merged, one that is in the database and may lack messages; database and known, where both have the
-- same, in the database or only in the archive; overlaps and contradicts, where neither can be.
WITH there AS MATERIALIZED (
  SELECT h.range_start, h.range_end FROM @extschema@.hypertable_chunks() AS h
), everywhere AS MATERIALIZED (
  SELECT t.range_start, t.range_end FROM there AS t
  UNION
  SELECT c.range_start, c.range_end FROM @extschema@.chunks AS c
)
SELECT
  CASE
    WHEN o.range_start IS NOT NULL THEN 'overlaps'
    WHEN c.state <> 'dropped' OR t.range_start IS NOT NULL AND c.part_name IS NULL THEN
      CASE
        WHEN c.seen_digest = m.digest OR c.digest = m.digest AND c.archive_url = m.url
          THEN 'database'
        ELSE 'merged'
      END
    WHEN c.digest = m.digest AND c.archive_object IS NOT NULL AND c.verified_at IS NOT NULL THEN 'known'
    WHEN c.digest <> m.digest AND c.archive_object IS NOT NULL
      OR c.messages <> m.messages OR c.first_global_position <> m.first_global_position
      OR c.last_global_position <> m.last_global_position
      THEN 'contradicts'
    ELSE 'restored'
  END AS result,
  o.range_start, o.range_end
FROM unnest(
  %s::timestamptz[], %s::timestamptz[], %s::text[], %s::text[], %s::bigint[], %s::bigint[], %s::bigint[]
) WITH ORDINALITY AS m (
  range_start, range_end, url, digest, messages, first_global_position, last_global_position, number
)
LEFT JOIN @extschema@.chunks AS c ON c.range_start = m.range_start
LEFT JOIN there AS t ON t.range_start = m.range_start
LEFT JOIN LATERAL (
  SELECT e.range_start, e.range_end FROM everywhere AS e
  WHERE e.range_start < m.range_end AND e.range_end > m.range_start
    AND (e.range_start, e.range_end) <> (m.range_start, m.range_end)
  LIMIT 1
) AS o ON true
ORDER BY m.number

-- name: restore_range
SELECT @extschema@.restore_range(%s::text, %s::text, %s::jsonb, %s::boolean)

-- name: see_manifest
-- Before it is committed: a run that is killed in between knows its own.
UPDATE @extschema@.chunks SET seen_manifest = %s::text, seen_digest = %s::text WHERE range_start = %s

-- name: set_archive_url
UPDATE @extschema@.store SET archive_url = %s::text

-- name: set_behind
UPDATE @extschema@.incarnation SET is_behind = %s::boolean,
  written_by = pg_catalog.pg_current_xact_id()::xid
WHERE is_behind <> %s::boolean

-- name: shared_ranges
SELECT c.archive_url, c.archive_manifest, c.digest
FROM @extschema@.chunks AS c
WHERE c.archive_manifest IS NOT NULL AND c.archive_url IS NOT NULL
ORDER BY c.range_start

-- name: store_id
SELECT id FROM @extschema@.store

-- name: taken_positions
SELECT stream_name, "position" FROM @extschema@.taken_positions(
  %s::text[], %s::bigint[], %s::bigint[], %s::timestamptz, %s::timestamptz
)
