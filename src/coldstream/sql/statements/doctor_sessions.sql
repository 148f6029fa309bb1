-- name: doctor_transactions
-- Transactions of this database that are older; seconds are NULL where the role may not see them.
SELECT a.pid, a.usename::text, a.application_name,
  pg_catalog.date_part('epoch', pg_catalog.clock_timestamp() - a.xact_start),
  a.state LIKE 'idle in transaction%%'
FROM pg_catalog.pg_stat_activity AS a
WHERE a.datname = pg_catalog.current_database() AND a.pid <> pg_catalog.pg_backend_pid()
  AND a.backend_type = 'client backend' IS NOT FALSE
  AND (a.xact_start < pg_catalog.clock_timestamp() - %s::interval OR a.backend_type IS NULL)
ORDER BY a.xact_start

-- name: doctor_prepared
SELECT pg_catalog.quote_literal(p.gid), p.prepared::text FROM pg_catalog.pg_prepared_xacts AS p
WHERE p.database = pg_catalog.current_database()
  AND p.prepared < pg_catalog.clock_timestamp() - %s::interval
ORDER BY p.prepared

-- name: doctor_lock_waits
SELECT w.pid, pg_catalog.date_part('epoch', pg_catalog.clock_timestamp() - w.query_start), b.pid,
  coalesce(b.usename::text, 'a prepared transaction'), coalesce(nullif(b.application_name, ''), 'no name')
FROM pg_catalog.pg_stat_activity AS w
CROSS JOIN LATERAL pg_catalog.unnest(pg_catalog.pg_blocking_pids(w.pid)) AS u (pid)
LEFT JOIN pg_catalog.pg_stat_activity AS b ON b.pid = u.pid
WHERE w.datname = pg_catalog.current_database() AND w.wait_event_type = 'Lock'
  AND w.query_start < pg_catalog.clock_timestamp() - %s::interval
ORDER BY 2 DESC
LIMIT 20

-- name: doctor_lifecycle_lock
SELECT a.pid, a.usename::text, coalesce(nullif(a.application_name, ''), 'no name'),
  pg_catalog.date_part('epoch', pg_catalog.clock_timestamp() - a.state_change)
FROM pg_catalog.pg_locks AS l
JOIN pg_catalog.pg_stat_activity AS a ON a.pid = l.pid
WHERE l.locktype = 'advisory' AND l.granted AND l.classid IN (1129271876, 1129271877) AND l.objsubid = 2
  AND l.objid = '@extschema@.messages'::regclass::oid AND a.datname = pg_catalog.current_database()
  AND a.state LIKE 'idle%%' AND a.state_change < pg_catalog.clock_timestamp() - %s::interval

-- name: doctor_slots
SELECT s.slot_name::text, pg_catalog.quote_literal(s.slot_name),
  pg_catalog.pg_wal_lsn_diff(pg_catalog.pg_current_wal_lsn(), s.restart_lsn)::bigint
FROM pg_catalog.pg_replication_slots AS s
WHERE NOT s.active AND s.restart_lsn IS NOT NULL
ORDER BY 1
