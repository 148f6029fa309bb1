-- name: doctor_chunks
-- How many chunks the database has, and what a new one covers.
SELECT (
    SELECT pg_catalog.count(*) FROM pg_catalog.pg_inherits AS i
    WHERE i.inhparent = '@extschema@.messages'::regclass
  ), s.chunk_interval::text
FROM @extschema@.store AS s

-- name: doctor_largest_chunk
-- The largest of the last chunks, by what it took in rows.
SELECT c.range_start::text, c.row_bytes, s.chunk_interval::text
FROM (
  SELECT k.range_start, k.row_bytes FROM @extschema@.chunks AS k
  WHERE k.row_bytes IS NOT NULL ORDER BY k.range_start DESC LIMIT 8
) AS c, @extschema@.store AS s
ORDER BY c.row_bytes DESC LIMIT 1

-- name: doctor_jobs
-- Every job on messages or of the store's own procedures: whether it should have run that long ago, and whether
-- the store made it.
SELECT j.job_id, j.proc_name::text, j.scheduled, s.last_run_status, s.next_start::text,
  coalesce(
    pg_catalog.isfinite(s.next_start) AND s.next_start < pg_catalog.clock_timestamp() - %s::interval
      AND s.job_status <> 'Running',
    false
  ),
  j.proc_schema = '@extschema_name@' OR j.proc_name IN ('policy_compression'),
  (
    SELECT e.err_message FROM timescaledb_information.job_errors AS e
    WHERE e.job_id = j.job_id ORDER BY e.start_time DESC LIMIT 1
  )
FROM timescaledb_information.jobs AS j
LEFT JOIN timescaledb_information.job_stats AS s ON s.job_id = j.job_id
WHERE j.hypertable_schema = '@extschema_name@' AND j.hypertable_name = 'messages'
  OR j.proc_schema = '@extschema_name@'
ORDER BY j.job_id

-- name: doctor_whole
SELECT @extschema@.check_whole(true)

-- name: doctor_sequence
-- The last position that was given, and the last that a message has: of closed chunks by the ledger, of others
-- by the index.
SELECT coalesce(pg_catalog.pg_sequence_last_value('@extschema@.messages_global_position_seq'), 0),
  greatest(
    (SELECT pg_catalog.max(c.last_global_position) FROM @extschema@.chunks AS c),
    (
      SELECT m.global_position FROM @extschema@.messages AS m
      WHERE m.time >= greatest(
        (SELECT s.closed_before FROM @extschema@.store AS s),
        pg_catalog.clock_timestamp() - INTERVAL '400 days'
      )
      ORDER BY m.global_position DESC LIMIT 1
    )
  )

-- name: doctor_ledger
-- Chunks that the ledger has and the database has not, or not so; and those that it does not know though a later
-- one is closed.
SELECT 'dropped', c.range_start::text, c.range_end::text, c.state
FROM @extschema@.chunks AS c
WHERE c.state <> 'dropped' AND c.messages IS NOT NULL AND NOT EXISTS (
    SELECT FROM @extschema@.hypertable_chunks() AS h
    WHERE h.range_start < c.range_end AND h.range_end > c.range_start
  )
UNION ALL
SELECT 'changed', c.range_start::text, c.range_end::text, c.state
FROM @extschema@.chunks AS c
WHERE c.state <> 'dropped' AND EXISTS (
    SELECT FROM @extschema@.hypertable_chunks() AS h
    WHERE h.range_start < c.range_end AND h.range_end > c.range_start
  ) AND NOT EXISTS (
    SELECT FROM @extschema@.hypertable_chunks() AS h
    WHERE h.range_start = c.range_start AND h.range_end = c.range_end
      AND h.chunk = pg_catalog.to_regclass(c.chunk_name)
  )
UNION ALL
SELECT 'unknown', h.range_start::text, h.range_end::text, NULL
FROM @extschema@.hypertable_chunks() AS h
WHERE h.range_end <= (SELECT s.closed_before FROM @extschema@.store AS s) AND NOT EXISTS (
    SELECT FROM @extschema@.chunks AS c
    WHERE c.range_start < h.range_end AND c.range_end > h.range_start
      AND (c.state <> 'dropped' OR c.part_name IS NOT NULL)
  )
ORDER BY 2
LIMIT 20

-- name: doctor_gone
SELECT pg_catalog.count(*), coalesce(pg_catalog.sum(c.messages), 0)::bigint, pg_catalog.min(c.range_start)::text,
  pg_catalog.max(c.range_end)::text
FROM @extschema@.chunks AS c
WHERE @extschema@.chunk_tier(c) = 'gone' AND c.messages > 0

-- name: doctor_not_closed
-- Chunks that have messages, whose time ended two days ago, and that nobody closed.
SELECT pg_catalog.count(*), pg_catalog.max(h.range_end)::text
FROM @extschema@.hypertable_chunks() AS h
WHERE h.range_end < pg_catalog.clock_timestamp() - INTERVAL '2 days'
  AND pg_catalog.pg_relation_size(h.chunk) > 0
  AND NOT EXISTS (
    SELECT FROM @extschema@.chunks AS c
    WHERE c.range_start < h.range_end AND c.range_end > h.range_start AND c.state <> 'open'
  )

-- name: doctor_unfinished
SELECT 'copy', NULL, c.started_at::text FROM @extschema@.copied AS c WHERE c.opened_at IS NULL
UNION ALL
SELECT 'move', m.to_engine, m.started_at::text FROM @extschema@.engine_move AS m
UNION ALL
SELECT 'rebuild', NULL, NULL FROM pg_catalog.pg_trigger AS t
WHERE t.tgrelid = '@extschema@.streams'::regclass AND t.tgname = 'streams_while_restoring'

-- name: doctor_heads
-- Every message that is in the database is looked at. One stream of each kind, and how many there are.
WITH last AS MATERIALIZED (
  SELECT m.stream_name, pg_catalog.max(m.position) AS position FROM @extschema@.messages AS m GROUP BY 1
), wrong AS (
  SELECT CASE
      WHEN s.stream_name IS NULL THEN 'missing'
      WHEN s.position < l.position THEN 'behind'
      ELSE 'ahead'
    END AS what, l.stream_name, s.position AS head, l.position AS last
  FROM last AS l
  LEFT JOIN @extschema@.streams AS s
    ON pg_catalog.md5(s.stream_name)::uuid = pg_catalog.md5(l.stream_name)::uuid
      AND s.stream_name = l.stream_name
  WHERE s.position IS DISTINCT FROM l.position AND (
    s.stream_name IS NULL OR s.position < l.position
    -- The rest may have left the database, or not be visible yet to the one look and be to the other.
    OR NOT EXISTS (
      SELECT FROM @extschema@.chunks AS c
      WHERE c.state = 'dropped' AND c.range_start <= s.time AND c.range_end > s.first_time
    )
  )
)
SELECT w.what, pg_catalog.count(*), pg_catalog.min(w.stream_name COLLATE "C"),
  pg_catalog.quote_literal(pg_catalog.min(w.stream_name COLLATE "C")),
  (pg_catalog.array_agg(w.head ORDER BY w.stream_name COLLATE "C"))[1],
  (pg_catalog.array_agg(w.last ORDER BY w.stream_name COLLATE "C"))[1]
FROM wrong AS w GROUP BY 1 ORDER BY 1

-- name: doctor_newest
SELECT pg_catalog.date_part('epoch', m.time - pg_catalog.clock_timestamp())
FROM @extschema@.messages AS m
WHERE m.time > pg_catalog.clock_timestamp() - INTERVAL '1 day'
ORDER BY m.global_position DESC LIMIT 1

-- name: doctor_bloat
SELECT t.relid::regclass::text, t.n_live_tup, t.n_dead_tup
FROM pg_catalog.pg_stat_all_tables AS t
WHERE t.relid IN (
  '@extschema@.streams'::regclass, '@extschema@.recent_ids'::regclass, '@extschema@.consumers'::regclass,
  '@extschema@.chunks'::regclass
)
ORDER BY 1

-- name: doctor_archive
SELECT s.archive_url, s.drop_after::text, coalesce(@extschema@.store_is_here(), false),
  coalesce(i.is_behind, false)
FROM @extschema@.store AS s LEFT JOIN @extschema@.incarnation AS i ON true

-- name: doctor_proof
SELECT pg_catalog.count(*) FROM @extschema@.chunks AS c
WHERE c.archive_object IS NOT NULL AND c.verified_at < pg_catalog.clock_timestamp() - %s::interval

-- name: doctor_archive_files
SELECT c.archive_url, f.object, f.bytes, c.state
FROM @extschema@.chunks AS c
JOIN @extschema@.archive_files AS f ON f.range_start = c.range_start
WHERE c.archive_url IS NOT NULL
ORDER BY c.range_start, f.number

-- name: doctor_archive_manifests
SELECT c.archive_url, c.archive_manifest FROM @extschema@.chunks AS c
WHERE c.archive_url IS NOT NULL AND c.archive_manifest IS NOT NULL
ORDER BY c.range_start
