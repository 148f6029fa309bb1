-- name: storage_history
-- What the chunks took, by the time of each step: how much every form changed in a slice of it. as_rows is what the
-- same chunks take in rows. A chunk is counted from when it was closed on.
WITH span AS (
  SELECT greatest(
    (pg_catalog.max(t.recorded_at) - pg_catalog.min(t.recorded_at)) / 240, interval '1 second'
  ) AS slice
  FROM @extschema@.transitions AS t
), after AS (
  SELECT t.id, t.range_start, pg_catalog.date_bin(s.slice, t.recorded_at, timestamptz '2000-01-01 00:00:00Z') AS at,
    t.to_state OPERATOR(pg_catalog.<>) 'open' AS known,
    t.to_state OPERATOR(pg_catalog.<>) ALL (ARRAY['dropped', 'rehydrated in part', 'open']) AS in_database,
    t.to_state OPERATOR(pg_catalog.=) ANY (
      ARRAY['exported', 'verified', 'dropped', 'rehydrated', 'rehydrated in part']
    ) AS in_archive,
    t.to_state OPERATOR(pg_catalog.<>) 'closed' AND c.columnstore_bytes IS NOT NULL AS compressed,
    coalesce(c.row_bytes, 0) AS row_bytes, coalesce(c.columnstore_bytes, 0) AS columnstore_bytes,
    coalesce(c.archive_bytes, 0) AS archive_bytes
  FROM @extschema@.transitions AS t
  CROSS JOIN span AS s
  JOIN @extschema@.chunks AS c ON c.range_start OPERATOR(pg_catalog.=) t.range_start
), forms AS (
  SELECT a.id, a.range_start, a.at,
    CASE WHEN a.in_database AND NOT a.compressed THEN a.row_bytes ELSE 0 END AS rows,
    CASE WHEN a.in_database AND a.compressed THEN a.columnstore_bytes ELSE 0 END AS columnstore,
    CASE WHEN a.in_archive THEN a.archive_bytes ELSE 0 END AS archive,
    CASE WHEN a.known THEN a.row_bytes ELSE 0 END AS as_rows
  FROM after AS a
), changes AS (
  SELECT f.at,
    f.rows - coalesce(pg_catalog.lag(f.rows) OVER w, 0) AS rows,
    f.columnstore - coalesce(pg_catalog.lag(f.columnstore) OVER w, 0) AS columnstore,
    f.archive - coalesce(pg_catalog.lag(f.archive) OVER w, 0) AS archive,
    f.as_rows - coalesce(pg_catalog.lag(f.as_rows) OVER w, 0) AS as_rows
  FROM forms AS f
  WINDOW w AS (PARTITION BY f.range_start ORDER BY f.id)
)
SELECT c.at, pg_catalog.sum(c.rows)::bigint, pg_catalog.sum(c.columnstore)::bigint,
  pg_catalog.sum(c.archive)::bigint, pg_catalog.sum(c.as_rows)::bigint
FROM changes AS c
GROUP BY c.at
ORDER BY c.at

-- name: timeline_now
-- The server's clock, and the last global position that was given.
SELECT pg_catalog.clock_timestamp(),
  (SELECT CASE WHEN q.is_called THEN q.last_value ELSE 0 END FROM @extschema@.messages_global_position_seq AS q)

-- name: timeline_chunks
-- Every chunk by the ledger's sizes; what takes writes by what it has on disk now.
SELECT g.range_start, g.range_end, g.state,
  CASE WHEN g.state OPERATOR(pg_catalog.=) 'open' THEN 'open' ELSE g.tier END,
  g.messages, g.first_global_position, g.last_global_position,
  CASE
    WHEN g.state OPERATOR(pg_catalog.=) 'open' THEN
      pg_catalog.pg_total_relation_size(pg_catalog.to_regclass(g.chunk_name))
    ELSE g.row_bytes
  END,
  g.columnstore_bytes, g.archive_bytes, g.verified_at, g.kept_until, g.part_messages
FROM @extschema@.get_chunks(false) AS g
