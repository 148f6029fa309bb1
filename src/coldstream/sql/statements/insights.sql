-- name: status_of_jobs
-- The background jobs that are the store's, and how the last run of each ended.
SELECT j.job_id, j.proc_name::pg_catalog.text, j.scheduled, s.last_run_status,
  CASE WHEN pg_catalog.isfinite(s.last_run_started_at) THEN s.last_run_started_at END,
  CASE WHEN pg_catalog.isfinite(s.next_start) THEN s.next_start END, coalesce(s.total_failures, 0)
FROM timescaledb_information.jobs AS j
LEFT JOIN timescaledb_information.job_stats AS s ON s.job_id OPERATOR(pg_catalog.=) j.job_id
WHERE j.hypertable_schema OPERATOR(pg_catalog.=) '@extschema_name@'
  OR j.proc_schema OPERATOR(pg_catalog.=) '@extschema_name@'
ORDER BY j.job_id

-- name: status_of_server
SELECT pg_catalog.current_setting('server_version'),
  (SELECT e.extversion FROM pg_catalog.pg_extension AS e WHERE e.extname OPERATOR(pg_catalog.=) 'timescaledb'),
  pg_catalog.current_setting('timescaledb.license', true),
  pg_catalog.pg_is_in_recovery(),
  pg_catalog.clock_timestamp()

-- name: status_of_store
-- The policy, how far the ledger is, and what the heads say: the planner's estimate of how many there are,
-- NULL before the first one.
SELECT s.engine, s.archive_url, s.compress_after, s.archive_after, s.drop_after, s.columnstore,
  (
    SELECT CASE WHEN c.reltuples >= 0 THEN c.reltuples::bigint END FROM pg_catalog.pg_class AS c
    WHERE c.oid OPERATOR(pg_catalog.=) '@extschema@.streams'::pg_catalog.regclass
  ),
  (SELECT CASE WHEN q.is_called THEN q.last_value ELSE 0 END FROM @extschema@.messages_global_position_seq AS q),
  pg_catalog.pg_total_relation_size('@extschema@.streams'),
  EXISTS (SELECT FROM @extschema@.archive_server AS a)
FROM @extschema@.store AS s

-- name: status_of_states
-- By state of the ledger and tier: chunks and messages, the bytes that they take where the tier has them (in the
-- database, or in the archive), bytes as rows (recorded when a chunk was closed), the times that they cover, when
-- the longest since proved was proved, and how many are due by an age: to be compressed, archived, verified and
-- dropped. A closed chunk that somebody else compressed is warm, as it is in get_chunks: the ledger learns of it
-- with the next run.
SELECT c.state, @extschema@.chunk_tier(c, CASE WHEN h.chunk IS NOT NULL THEN true END), pg_catalog.count(*),
  coalesce(pg_catalog.sum(c.messages), 0)::bigint,
  coalesce(pg_catalog.sum(
    CASE
      WHEN c.state OPERATOR(pg_catalog.=) 'dropped' THEN c.archive_bytes
      WHEN h.chunk IS NOT NULL THEN pg_catalog.pg_total_relation_size(h.chunk)
        + coalesce(pg_catalog.pg_total_relation_size(@extschema@.columnstore_of(h.chunk)), 0)
      ELSE @extschema@.chunk_bytes(c)
    END
  ), 0)::bigint,
  coalesce(pg_catalog.sum(c.row_bytes), 0)::bigint,
  pg_catalog.min(c.range_start), pg_catalog.max(c.range_end), pg_catalog.min(c.verified_at),
  pg_catalog.count(*) FILTER (WHERE c.range_end <= pg_catalog.now() - s.compress_after),
  pg_catalog.count(*) FILTER (WHERE c.range_end <= pg_catalog.now() - s.archive_after),
  pg_catalog.count(*) FILTER (
    WHERE c.range_end <= pg_catalog.now() - s.drop_after
      AND coalesce(c.kept_until, '-infinity') <= pg_catalog.now()
  ),
  pg_catalog.min(c.range_end) FILTER (WHERE c.range_end <= pg_catalog.now() - s.compress_after),
  pg_catalog.min(c.range_end) FILTER (WHERE c.range_end <= pg_catalog.now() - s.archive_after),
  pg_catalog.min(c.range_end) FILTER (
    WHERE c.range_end <= pg_catalog.now() - s.drop_after
      AND coalesce(c.kept_until, '-infinity') <= pg_catalog.now()
  ),
  pg_catalog.min(c.exported_at)
FROM @extschema@.chunks AS c CROSS JOIN @extschema@.store AS s
LEFT JOIN @extschema@.hypertable_chunks() AS h
  ON h.range_start OPERATOR(pg_catalog.=) c.range_start AND h.is_compressed
    AND c.state OPERATOR(pg_catalog.=) 'closed'
GROUP BY 1, 2

-- name: status_of_open
-- The chunks of messages that the ledger has not closed: how many, and what they take on disk. Late messages open
-- a chunk that is in the columnstore: that part counts, too.
SELECT pg_catalog.count(*), coalesce(pg_catalog.sum(
    pg_catalog.pg_total_relation_size(h.chunk) + CASE
      WHEN h.is_compressed THEN coalesce(pg_catalog.pg_total_relation_size(@extschema@.columnstore_of(h.chunk)), 0)
      ELSE 0
    END
  ), 0)::bigint
FROM @extschema@.hypertable_chunks() AS h
WHERE NOT EXISTS (
  SELECT FROM @extschema@.chunks AS c
  WHERE c.range_start OPERATOR(pg_catalog.=) h.range_start AND c.state OPERATOR(pg_catalog.<>) 'open'
)

-- name: status_of_table
-- Of a store on an ordinary table: rows by the planner's estimate, and bytes.
SELECT CASE WHEN c.reltuples >= 0 THEN c.reltuples::bigint END, pg_catalog.pg_total_relation_size(c.oid)
FROM pg_catalog.pg_class AS c
WHERE c.oid OPERATOR(pg_catalog.=) '@extschema@.messages'::pg_catalog.regclass

-- name: status_of_transitions
-- When a chunk last came to each state: from one state to the next by the index, however long the history is.
WITH RECURSIVE newest AS (
  (
    SELECT t.to_state, t.recorded_at FROM @extschema@.transitions AS t
    ORDER BY t.to_state DESC, t.id DESC LIMIT 1
  )
  UNION ALL
  SELECT n.to_state, n.recorded_at
  FROM newest AS l CROSS JOIN LATERAL (
    SELECT t.to_state, t.recorded_at FROM @extschema@.transitions AS t
    WHERE t.to_state OPERATOR(pg_catalog.<) l.to_state
    ORDER BY t.to_state DESC, t.id DESC LIMIT 1
  ) AS n
)
SELECT to_state, recorded_at FROM newest

-- name: measured_chunks
-- The newest closed chunks that have messages: when they begin and end, messages, and bytes as rows, in the
-- columnstore and in the archive; whether one is the first of all.
SELECT c.range_start, c.range_end, c.messages, c.row_bytes, c.columnstore_bytes, c.archive_bytes,
  NOT EXISTS (
    SELECT FROM @extschema@.chunks AS b WHERE b.range_start OPERATOR(pg_catalog.<) c.range_start
  )
FROM @extschema@.chunks AS c
WHERE c.state OPERATOR(pg_catalog.<>) 'open' AND c.messages OPERATOR(pg_catalog.>) 0
ORDER BY c.range_start DESC
LIMIT 9
