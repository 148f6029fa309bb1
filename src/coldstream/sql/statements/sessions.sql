-- name: caller_session
-- The session as the caller's DSN, role and database have it, whatever was set in it since.
RESET SESSION AUTHORIZATION; RESET ALL

-- name: default_isolation
RESET default_transaction_isolation

-- name: large_row
-- A row that makes the client's buffer a megabyte.
SELECT pg_catalog.repeat(' ', 1000000)

-- name: lifecycle_settings
-- What the lifecycle's parsing and its view of the rows depend on, whatever the database or the role sets;
-- gives what there was before. The argument: whether for this transaction only.
SELECT s.name, s.setting, pg_catalog.set_config(s.name, v.value, %s)
FROM (VALUES
  ('datestyle', 'ISO, MDY'),
  ('intervalstyle', 'postgres'),
  ('timezone', 'UTC'),
  ('bytea_output', 'hex'),
  ('extra_float_digits', '1'),
  ('array_nulls', 'on'),
  ('standard_conforming_strings', 'on'),
  ('quote_all_identifiers', 'off'),
  ('session_replication_role', 'origin'),
  ('timescaledb.enable_columnarscan', 'on'),
  ('timescaledb.enable_transparent_decompression', 'on'),
  ('search_path', 'pg_catalog, pg_temp')
) AS v (name, value)
JOIN pg_catalog.pg_settings AS s ON pg_catalog.lower(s.name) = v.name
WHERE s.setting <> v.value

-- name: own_locks
-- What of a statement over another connection would wait for this transaction: the name of a stream whose
-- category it has the lock of, and whether it has changed a head.
SELECT (
  SELECT u.name
  FROM pg_catalog.unnest(%s::varchar[]) AS u (name)
  JOIN pg_catalog.pg_locks AS l
    ON (l.classid::bigint OPERATOR(pg_catalog.<<) 32) OPERATOR(pg_catalog.|) l.objid::bigint
      OPERATOR(pg_catalog.=)
        @extschema@.hash_64(pg_catalog.split_part(u.name, '-', 1)::varchar)
  WHERE l.locktype OPERATOR(pg_catalog.=) 'advisory' AND l.objsubid OPERATOR(pg_catalog.=) 1
    AND l.granted AND l.pid OPERATOR(pg_catalog.=) pg_catalog.pg_backend_pid()
  LIMIT 1
), EXISTS (
  SELECT FROM pg_catalog.pg_locks AS l
  WHERE l.locktype OPERATOR(pg_catalog.=) 'relation' AND l.granted
    AND l.relation OPERATOR(pg_catalog.=) '@extschema@.streams'::pg_catalog.regclass
    AND l.mode OPERATOR(pg_catalog.=) 'RowExclusiveLock'
    AND l.pid OPERATOR(pg_catalog.=) pg_catalog.pg_backend_pid()
)

-- name: own_session
-- A session of ours alone looks for names in pg_catalog, and shows times in UTC. One that came
-- through a pooler has not taken the startup options; nothing is set there, and no row comes back.
SELECT
  pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', false),
  pg_catalog.set_config('TimeZone', 'UTC', false)
WHERE pg_catalog.current_setting('coldstream.session', true) OPERATOR(pg_catalog.=) 'on'

-- name: read_committed
-- For the session: a lifecycle looks at what is there now, under its locks.
SET default_transaction_isolation = 'read committed'

-- name: read_only
-- For a dry run: a function that would change something fails, whatever it is.
SET TRANSACTION ISOLATION LEVEL READ COMMITTED, READ ONLY

-- name: reset_application_name
RESET application_name

-- name: server_identity
-- Two connections that give the same are to the same database of the same server.
SELECT pg_catalog.pg_postmaster_start_time()::text, pg_catalog.current_database()::text

-- name: server_time
SELECT pg_catalog.clock_timestamp()

-- name: set_application_name
SELECT pg_catalog.set_config('application_name', %s, false)

-- name: set_lock_timeout
SELECT pg_catalog.set_config('lock_timeout', %s, true)

-- name: set_setting
SELECT pg_catalog.set_config(%s, %s, false)

-- name: set_step_seconds
SELECT pg_catalog.set_config('coldstream.seconds', %s, true)
