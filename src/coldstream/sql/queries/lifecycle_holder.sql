-- Who holds the key of lifecycle_lock, since when the session is there, and whether it is one of
-- TimescaleDB's jobs (NULL where that is not shown).
SELECT a.application_name, a.backend_start, a.backend_type <> 'client backend'
FROM pg_catalog.pg_locks AS l
JOIN pg_catalog.pg_stat_activity AS a ON a.pid = l.pid
WHERE l.locktype = 'advisory' AND l.granted AND l.classid = 1129271876 AND l.objsubid = 2
  AND l.objid = %s::regclass::oid AND a.datname = pg_catalog.current_database()
LIMIT 1
