-- name: bookkeeping
-- What the store's tables beside the messages take, with their indexes.
SELECT c.relname::pg_catalog.text, pg_catalog.pg_total_relation_size(c.oid)
FROM pg_catalog.pg_class AS c
WHERE c.relnamespace = '@extschema@'::pg_catalog.regnamespace AND c.relkind = 'r'
  AND c.relname <> 'messages'
ORDER BY 2 DESC, 1

-- name: close_ended_chunks
CALL @extschema@.close_ended_chunks()

-- name: compress_range
SELECT row_bytes, columnstore_bytes FROM @extschema@.compress_range(%s)

-- name: database_bytes
SELECT pg_catalog.pg_database_size(pg_catalog.current_database())

-- name: lifecycle_holder
-- Who holds the key of lifecycle_lock, since when the session is there, and whether it is one of
-- TimescaleDB's jobs (NULL where that is not shown).
SELECT a.application_name, a.backend_start, a.backend_type <> 'client backend'
FROM pg_catalog.pg_locks AS l
JOIN pg_catalog.pg_stat_activity AS a ON a.pid = l.pid
WHERE l.locktype = 'advisory' AND l.granted AND l.classid = 1129271876 AND l.objsubid = 2
  AND l.objid = %s::regclass::oid AND a.datname = pg_catalog.current_database()
LIMIT 1

-- name: lifecycle_lock
-- The key of lifecycle_lock, held by a session for a whole run.
SELECT pg_catalog.pg_try_advisory_lock(1129271876, %s::regclass::oid::integer)

-- name: lifecycle_policy
SELECT compress_after, archive_after, drop_after, columnstore FROM @extschema@.store

-- name: lifecycle_unlock
SELECT pg_catalog.pg_advisory_unlock(1129271876, %s::regclass::oid::integer)

-- name: set_lifecycle_policy
SELECT * FROM @extschema@.set_lifecycle_policy(%s::interval, %s::interval, %s::interval)

-- name: transitions
SELECT recorded_at, range_start, range_end, from_state, to_state, role, application, address::text,
  messages, bytes, seconds
FROM @extschema@.transitions
ORDER BY id DESC
LIMIT %s

-- name: wait_for_lifecycle_lock
-- The same as lifecycle_lock, once whoever holds the key has ended.
SELECT pg_catalog.pg_advisory_lock(1129271876, %s::regclass::oid::integer)

-- name: written_ranges
-- The ranges that are in one archive, and the newest manifest of each.
SELECT c.range_start, c.range_end, c.archive_manifest
FROM @extschema@.chunks AS c
WHERE c.archive_url = %s AND c.archive_manifest IS NOT NULL
