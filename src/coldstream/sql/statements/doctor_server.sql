-- name: doctor_settings_of_check
-- A check changes nothing, and neither waits for long nor keeps others waiting. What it sees and says does not
-- depend on settings of the role or the database, and no operator of theirs runs.
SELECT pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true),
  pg_catalog.set_config('quote_all_identifiers', 'off', true),
  pg_catalog.set_config('TimeZone', 'UTC', true), pg_catalog.set_config('DateStyle', 'ISO, MDY', true),
  pg_catalog.set_config('standard_conforming_strings', 'on', true),
  pg_catalog.set_config('transform_null_equals', 'off', true),
  pg_catalog.set_config('transaction_read_only', 'on', true),
  pg_catalog.set_config('lock_timeout', '2s', true), pg_catalog.set_config('statement_timeout', %s, true)

-- name: doctor_server
-- From catalogs that every role may read: whether there is a store, what it is made of, who asks, and what.
SELECT
  EXISTS (
    SELECT FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
    WHERE n.nspname = '@extschema_name@' AND c.relname = 'migrations' AND c.relkind = 'r'
      AND pg_catalog.starts_with(pg_catalog.obj_description(c.oid, 'pg_class'), 'coldstream:')
  ),
  -- A hypertable's chunks are made by a trigger, or by TimescaleDB's own code; what only it needs tells both.
  EXISTS (
    SELECT FROM pg_catalog.pg_proc AS p JOIN pg_catalog.pg_namespace AS n ON n.oid = p.pronamespace
    WHERE n.nspname = '@extschema_name@' AND p.proname = 'reconcile_chunks'
  ),
  CURRENT_USER::text,
  (SELECT r.rolsuper FROM pg_catalog.pg_roles AS r WHERE r.rolname = CURRENT_USER),
  pg_catalog.pg_is_in_recovery(), pg_catalog.current_setting('server_version_num')::integer,
  (SELECT e.extversion FROM pg_catalog.pg_extension AS e WHERE e.extname = 'timescaledb'),
  (
    SELECT n.nspname::text FROM pg_catalog.pg_extension AS e
    JOIN pg_catalog.pg_namespace AS n ON n.oid = e.extnamespace WHERE e.extname = 'timescaledb'
  ),
  pg_catalog.current_setting('timescaledb.license', true)

-- name: doctor_available
-- The releases of TimescaleDB that the server has files of and could update to. Some are no release.
SELECT v.version FROM pg_catalog.pg_available_extension_versions AS v
WHERE v.name = 'timescaledb' AND v.version ~ '^[0-9]+[.][0-9]+[.][0-9]+$'

-- name: doctor_settings
-- In the units that the server counts in: kB for maintenance_work_mem, 8 kB for shared_buffers. With the
-- server's name of the database, how many databases take connections, and whether it knows lz4.
SELECT s.name, s.setting FROM pg_catalog.pg_settings AS s
WHERE s.name IN (
  'fsync', 'full_page_writes', 'autovacuum', 'autovacuum_max_workers', 'max_worker_processes',
  'timescaledb.max_background_workers', 'max_parallel_workers', 'max_parallel_workers_per_gather',
  'maintenance_work_mem', 'shared_buffers', 'max_connections', 'max_prepared_transactions',
  'max_locks_per_transaction', 'default_toast_compression'
)
UNION ALL
SELECT 'has_lz4', ('lz4' = ANY (s.enumvals))::text FROM pg_catalog.pg_settings AS s
WHERE s.name = 'default_toast_compression'
UNION ALL
SELECT 'databases', pg_catalog.count(*)::text FROM pg_catalog.pg_database AS d
WHERE d.datallowconn AND NOT d.datistemplate
UNION ALL
SELECT 'database', pg_catalog.quote_ident(pg_catalog.current_database())

-- name: doctor_settings_of_roles
-- What ALTER DATABASE and ALTER ROLE set, for this database or for all: for whom, as it is typed, name, value.
SELECT
  CASE WHEN s.setrole = 0 THEN 'the database ' || pg_catalog.current_database()
    ELSE 'the role ' || r.rolname END,
  CASE
    WHEN s.setrole = 0 THEN pg_catalog.format('DATABASE %I', pg_catalog.current_database())
    WHEN s.setdatabase = 0 THEN pg_catalog.format('ROLE %I', r.rolname)
    ELSE pg_catalog.format('ROLE %I IN DATABASE %I', r.rolname, pg_catalog.current_database())
  END,
  pg_catalog.lower(pg_catalog.split_part(u.set, '=', 1)),
  pg_catalog.lower(pg_catalog.split_part(u.set, '=', 2))
FROM pg_catalog.pg_db_role_setting AS s
CROSS JOIN LATERAL pg_catalog.unnest(s.setconfig) AS u (set)
LEFT JOIN pg_catalog.pg_roles AS r ON r.oid = s.setrole
WHERE s.setdatabase IN (
  0, (SELECT d.oid FROM pg_catalog.pg_database AS d WHERE d.datname = pg_catalog.current_database())
)
ORDER BY 1, 3

-- name: doctor_unknown_settings_of_roles
-- Settings in TimescaleDB's name that it does not know. It is loaded here, so all that it knows are listed.
SELECT u.name,
  CASE WHEN s.setrole = 0 THEN 'the database ' || d.datname ELSE 'the role ' || r.rolname END,
  CASE
    WHEN s.setrole = 0 THEN pg_catalog.format('ALTER DATABASE %I RESET %s', d.datname, u.quoted)
    WHEN s.setdatabase = 0 THEN pg_catalog.format('ALTER ROLE %I RESET %s', r.rolname, u.quoted)
    ELSE pg_catalog.format('ALTER ROLE %I IN DATABASE %I RESET %s', r.rolname, d.datname, u.quoted)
  END
FROM pg_catalog.pg_db_role_setting AS s
CROSS JOIN LATERAL (
  SELECT pg_catalog.lower(pg_catalog.split_part(c.set, '=', 1)),
    pg_catalog.split_part(c.set, '=', 1)
  FROM pg_catalog.unnest(s.setconfig) AS c (set)
) AS u (name, quoted)
LEFT JOIN pg_catalog.pg_roles AS r ON r.oid = s.setrole
LEFT JOIN pg_catalog.pg_database AS d ON d.oid = s.setdatabase
WHERE (s.setdatabase = 0 OR d.datname = pg_catalog.current_database())
  AND pg_catalog.starts_with(u.name, 'timescaledb.')
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_settings AS k WHERE pg_catalog.lower(k.name) = u.name)
ORDER BY 1, 2

-- name: doctor_unknown_settings_in_files
SELECT DISTINCT pg_catalog.lower(f.name), 'the server, in ' || f.sourcefile,
  pg_catalog.format('line %s of %s', f.sourceline, f.sourcefile)
FROM pg_catalog.pg_file_settings AS f
WHERE pg_catalog.starts_with(pg_catalog.lower(f.name), 'timescaledb.')
  AND NOT EXISTS (
    SELECT FROM pg_catalog.pg_settings AS k WHERE pg_catalog.lower(k.name) = pg_catalog.lower(f.name)
  )
ORDER BY 1, 2

-- name: doctor_may_read_files
SELECT pg_catalog.pg_has_role('pg_read_server_files', 'USAGE')
  AND pg_catalog.has_function_privilege('pg_catalog.pg_read_file(text,bigint,bigint,boolean)', 'EXECUTE')

-- name: doctor_meminfo
-- Of a machine that has no such file, NULL.
SELECT pg_catalog.pg_read_file('/proc/meminfo', 0, 4096, true)
