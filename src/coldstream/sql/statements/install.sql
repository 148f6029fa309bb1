-- name: applied_migrations
SELECT name, checksum FROM @extschema@.migrations ORDER BY name

-- name: apply_settings
SELECT @extschema@.apply_settings(@values@);

-- name: check_opened
SELECT @extschema@.check_whole(false), @extschema@.lift_sequences()

-- name: check_store
-- Whether the store is installed; whether the server is the embedded one (one connection); whether
-- the session took our startup options, which one of a pooler does not; the name that the schema had when its
-- functions were made, which they go on by; and the schema that had this name then.
SELECT
  pg_catalog.to_regclass(pg_catalog.format('%%I.migrations', %(schema)s::pg_catalog.text)) IS NOT NULL,
  pg_catalog.version() OPERATOR(pg_catalog.~*) 'emscripten|emcc|wasm',
  coalesce(pg_catalog.current_setting('coldstream.session', true), '') OPERATOR(pg_catalog.=) 'on',
  pg_catalog.min(f.made_in) FILTER (WHERE f.is_in OPERATOR(pg_catalog.=) %(schema)s),
  pg_catalog.min(f.is_in) FILTER (WHERE f.made_in OPERATOR(pg_catalog.=) %(schema)s)
FROM (
  SELECT n.nspname::pg_catalog.text AS is_in,
    pg_catalog.substring(p.prosrc, '([[:alnum:]_]+)"?[.]is_mixed[(]') AS made_in
  FROM pg_catalog.pg_proc AS p
  JOIN pg_catalog.pg_namespace AS n ON n.oid OPERATOR(pg_catalog.=) p.pronamespace
  WHERE p.proname OPERATOR(pg_catalog.=) 'check_whole'
) AS f

-- name: check_whole
SELECT @extschema@.check_whole(false)

-- name: create_migrations
CREATE TABLE IF NOT EXISTS @extschema@.migrations (
  name text PRIMARY KEY,
  checksum text NOT NULL,
  software_version text NOT NULL,
  applied_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp()
);
COMMENT ON TABLE @extschema@.migrations IS 'coldstream: the migrations that made this store';

-- name: definitions
-- Everything an install applies anew, as text, to tell whether it changed anything.
SELECT p.oid::regprocedure::text, pg_catalog.pg_get_functiondef(p.oid), p.proacl::text
FROM pg_catalog.pg_proc AS p
JOIN pg_catalog.pg_namespace AS n ON n.oid = p.pronamespace
WHERE n.nspname = %s
ORDER BY 1

-- name: delete_jobs
-- The store's jobs, so that nothing happens in it but what is asked for; an install makes them again.
DO $$
DECLARE
  _timescaledb text := (
    SELECT n.nspname FROM pg_catalog.pg_extension AS e
    JOIN pg_catalog.pg_namespace AS n ON n.oid = e.extnamespace
    WHERE e.extname = 'timescaledb'
  );
  _job integer;
BEGIN
  IF _timescaledb IS NULL THEN
    RETURN;
  END IF;
  FOR _job IN
    SELECT j.job_id FROM timescaledb_information.jobs AS j
    WHERE '@extschema_name@' IN (j.hypertable_schema, j.proc_schema)
  LOOP
    EXECUTE pg_catalog.format('SELECT %I.delete_job(%s)', _timescaledb, _job);
  END LOOP;
END;
$$

-- name: demo_schema
-- The comment of a schema (NULL: no such schema; '': no comment), and whether a role exists.
SELECT
  (
    SELECT coalesce(pg_catalog.obj_description(n.oid, 'pg_namespace'), '')
    FROM pg_catalog.pg_namespace AS n WHERE n.nspname = %(schema)s
  ),
  EXISTS (SELECT FROM pg_catalog.pg_roles AS r WHERE r.rolname = %(role)s)

-- name: drop_archive_server
-- The FOREIGN SERVER of a store's archive server, which is in no schema.
DO $$
DECLARE
  _name text;
BEGIN
  FOR _name IN SELECT a.server_name FROM @extschema@.archive_server AS a LOOP
    EXECUTE pg_catalog.format('DROP SERVER IF EXISTS %I CASCADE', _name);
  END LOOP;
END;
$$

-- name: drop_namespace
DROP SCHEMA @extschema@ CASCADE

-- name: engine
SELECT s.engine FROM @extschema@.store AS s

-- name: has_engine
-- Whether the schema has a table of a store's that says what its engine is.
SELECT EXISTS (
  SELECT FROM pg_catalog.pg_attribute AS a
  JOIN pg_catalog.pg_class AS c ON c.oid = a.attrelid
  JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
  WHERE n.nspname = '@extschema_name@' AND c.relname = 'store' AND a.attname = 'engine'
)

-- name: guard_timescaledb
SELECT g.done, g.warning FROM @extschema@.guard_timescaledb() AS g;

-- name: knows_its_functions
SELECT pg_catalog.to_regprocedure('@extschema@.replaced_functions()') IS NOT NULL

-- name: lock_install
-- Two numbers: never a category's lock.
SELECT pg_catalog.pg_advisory_xact_lock(1129271877, pg_catalog.hashtext(%s))

-- name: namespace
-- Of one store: its streams, the last global position, the chunks in its archive, and where that is.
SELECT (SELECT count(*) FROM @extschema@.streams),
  coalesce(pg_catalog.pg_sequence_last_value('@extschema@.messages_global_position_seq'), 0),
  (SELECT count(*) FROM @extschema@.chunks AS c WHERE c.archive_object IS NOT NULL), s.archive_url
FROM @extschema@.store AS s

-- name: namespace_settings
-- Whoever has the store locked is not waited for, and what goes with it is not listed.
SELECT pg_catalog.set_config('lock_timeout', '10s', true),
  pg_catalog.set_config('client_min_messages', 'warning', true)

-- name: namespaces
-- The schemas that a store was installed into.
SELECT n.nspname::text
FROM pg_catalog.pg_class AS c
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.relname = 'migrations' AND c.relkind = 'r'
  AND pg_catalog.starts_with(pg_catalog.obj_description(c.oid, 'pg_class'), 'coldstream:')
  AND EXISTS (
    SELECT FROM pg_catalog.pg_class AS s WHERE s.relnamespace = n.oid AND s.relname = 'streams'
  )
ORDER BY n.nspname

-- name: rename_chunks
-- A chunk that came back from the archive is in the store's schema: by its new name to the ledger, too.
UPDATE @extschema@.chunks AS c
SET chunk_name = pg_catalog.quote_ident('@extschema_name@') || '.'
    || pg_catalog.quote_ident((pg_catalog.parse_ident(c.chunk_name))[2]),
  part_name = pg_catalog.quote_ident('@extschema_name@') || '.'
    || pg_catalog.quote_ident((pg_catalog.parse_ident(c.part_name))[2])
WHERE pg_catalog.starts_with(coalesce(c.chunk_name, c.part_name), pg_catalog.format('%%I.', %s::text))

-- name: record_migration
INSERT INTO @extschema@.migrations (name, checksum, software_version) VALUES (@values@);

-- name: schema_contents
SELECT
  coalesce(
    pg_catalog.obj_description(
      pg_catalog.to_regclass(pg_catalog.format('%%I.migrations', %(schema)s::text)), 'pg_class'
    ) LIKE 'coldstream:%%',
    false
  ),
  (
    SELECT count(*) FROM pg_catalog.pg_class AS c
    JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
    WHERE n.nspname = %(schema)s
  ) + (
    SELECT count(*) FROM pg_catalog.pg_proc AS p
    JOIN pg_catalog.pg_namespace AS n ON n.oid = p.pronamespace
    WHERE n.nspname = %(schema)s
  ),
  EXISTS (
    SELECT FROM pg_catalog.pg_proc AS p
    JOIN pg_catalog.pg_namespace AS n ON n.oid = p.pronamespace
    WHERE n.nspname = %(schema)s AND p.proname = 'message_store_version'
  )

-- name: set_engine
UPDATE @extschema@.store SET engine = '@engine@' WHERE engine <> '@engine@';

-- name: server_versions
SELECT pg_catalog.current_setting('server_version'), e.extversion
FROM pg_catalog.pg_extension AS e
WHERE e.extname = 'timescaledb'

-- name: timescaledb_available
SELECT 1 FROM pg_catalog.pg_available_extensions AS e WHERE e.name = 'timescaledb'

-- name: timescaledb_extension
SELECT n.nspname, e.extversion
FROM pg_catalog.pg_extension AS e
JOIN pg_catalog.pg_namespace AS n ON n.oid = e.extnamespace
WHERE e.extname = 'timescaledb'
