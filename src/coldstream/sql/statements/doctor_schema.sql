-- name: doctor_not_vacuumed
-- The tables that every write updates, and chunks, whose autovacuum somebody switched off.
SELECT c.oid::regclass::text
FROM pg_catalog.pg_class AS c
WHERE c.relnamespace = '@extschema@'::regnamespace AND c.relkind = 'r'
  AND c.reloptions::text ~ 'autovacuum_enabled=(false|off|no|0)'
ORDER BY 1

-- name: doctor_indexes
-- Of the tables in the store's schema: the index, its name, its table's, whether it may be used, and whether it
-- belongs to a constraint of the first form.
SELECT i.indexrelid::regclass::text, x.relname::text, t.relname::text, i.indisvalid AND i.indisready,
  EXISTS (SELECT FROM pg_catalog.pg_constraint AS c WHERE c.conindid = i.indexrelid AND c.contype IN ('p', 'u'))
FROM pg_catalog.pg_index AS i
JOIN pg_catalog.pg_class AS x ON x.oid = i.indexrelid
JOIN pg_catalog.pg_class AS t ON t.oid = i.indrelid
WHERE t.relnamespace = '@extschema@'::regnamespace AND t.relkind IN ('r', 'p')
  -- A chunk that came back from the archive is in this schema, too.
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_inherits AS h WHERE h.inhrelid = t.oid)
ORDER BY 1

-- name: doctor_columns
SELECT a.attname::text, pg_catalog.quote_ident(a.attname), pg_catalog.format_type(a.atttypid, a.atttypmod)
FROM pg_catalog.pg_attribute AS a
WHERE a.attrelid = '@extschema@.messages'::regclass AND a.attnum > 0 AND NOT a.attisdropped
ORDER BY a.attnum

-- name: doctor_triggers
-- Whether it is on: for what an application writes, and not for a replica's session alone.
SELECT t.tgrelid::regclass::text, t.tgname::text, pg_catalog.quote_ident(t.tgname), t.tgenabled IN ('O', 'A')
FROM pg_catalog.pg_trigger AS t
WHERE t.tgrelid IN (
    '@extschema@.messages'::regclass, '@extschema@.streams'::regclass, '@extschema@.chunks'::regclass,
    '@extschema@.recent_ids'::regclass, '@extschema@.store'::regclass, '@extschema@.consumers'::regclass
  )
  AND NOT t.tgisinternal AND t.tgname <> 'ts_insert_blocker'
ORDER BY 1, 2

-- name: doctor_odd_tables
SELECT 'rule', r.ev_class::regclass::text, r.rulename::text
FROM pg_catalog.pg_rewrite AS r JOIN pg_catalog.pg_class AS c ON c.oid = r.ev_class
WHERE c.relnamespace = '@extschema@'::regnamespace AND c.relkind = 'r' AND r.rulename <> '_RETURN'
UNION ALL
SELECT 'row security', c.oid::regclass::text, NULL FROM pg_catalog.pg_class AS c
WHERE c.relnamespace = '@extschema@'::regnamespace AND c.relkind = 'r' AND c.relrowsecurity
UNION ALL
SELECT 'unlogged', c.oid::regclass::text, NULL FROM pg_catalog.pg_class AS c
WHERE c.relnamespace = '@extschema@'::regnamespace AND c.relkind = 'r' AND c.relpersistence = 'u'
ORDER BY 1, 2, 3

-- name: doctor_replaced_functions
SELECT @extschema@.replaced_functions()

-- name: doctor_function_bodies
SELECT p.proname::text, p.prosrc
FROM pg_catalog.pg_proc AS p WHERE p.pronamespace = '@extschema@'::regnamespace

-- name: doctor_publications
SELECT DISTINCT pg_catalog.quote_ident(p.pubname), pg_catalog.format('%I.%I', p.schemaname, p.tablename)
FROM pg_catalog.pg_publication_tables AS p
WHERE p.schemaname = '@extschema_name@' AND p.tablename IN ('messages', 'streams', 'chunks')
ORDER BY 1, 2

-- name: doctor_privileges_missing
-- Of every role that may call write_message, and is not the owner: what it may not, and has to.
WITH roles AS (
  SELECT DISTINCT r.oid, r.rolname
  FROM pg_catalog.pg_proc AS p
  CROSS JOIN LATERAL pg_catalog.aclexplode(p.proacl) AS a
  JOIN pg_catalog.pg_roles AS r ON r.oid = a.grantee
  WHERE p.pronamespace = '@extschema@'::regnamespace AND p.proname = 'write_message'
    AND a.privilege_type = 'EXECUTE' AND a.grantee <> p.proowner AND NOT r.rolsuper
), needed (kind, name) AS (
  SELECT 'table', u.name FROM pg_catalog.unnest(ARRAY[
    'messages', 'streams', 'recent_ids', 'chunks', 'archive_files', 'chunk_categories', 'stream_marks', 'store',
    'consumers', 'consumer_owners', 'consumer_failures', 'archive_server'
  ]) AS u (name)
)
SELECT pg_catalog.quote_ident(r.rolname), 'use the schema @extschema_name@' FROM roles AS r
WHERE NOT pg_catalog.has_schema_privilege(r.oid, '@extschema@'::regnamespace, 'USAGE')
UNION ALL
SELECT pg_catalog.quote_ident(r.rolname), 'select from ' || n.name FROM roles AS r, needed AS n
WHERE NOT pg_catalog.has_table_privilege(
  r.oid, pg_catalog.to_regclass(pg_catalog.format('%%I.%%I', '@extschema_name@', n.name)), 'SELECT'
)
UNION ALL
SELECT pg_catalog.quote_ident(r.rolname), 'insert into messages' FROM roles AS r
WHERE NOT pg_catalog.has_column_privilege(r.oid, '@extschema@.messages'::regclass, 'stream_name', 'INSERT')
UNION ALL
SELECT pg_catalog.quote_ident(r.rolname), 'use the sequence of global positions' FROM roles AS r
WHERE NOT pg_catalog.has_sequence_privilege(
  r.oid, '@extschema@.messages_global_position_seq'::regclass, 'USAGE'
)
UNION ALL
SELECT pg_catalog.quote_ident(r.rolname), 'call ' || p.proname
FROM roles AS r
JOIN pg_catalog.pg_proc AS p
  ON p.pronamespace = '@extschema@'::regnamespace AND p.proname = ANY (%s::text[])
WHERE NOT pg_catalog.has_function_privilege(r.oid, p.oid, 'EXECUTE')
ORDER BY 1, 2

-- name: doctor_privileges_too_many
SELECT CASE WHEN a.grantee = 0 THEN 'PUBLIC' ELSE pg_catalog.quote_ident(r.rolname) END, a.privilege_type,
  c.oid::regclass::text
FROM pg_catalog.pg_class AS c
CROSS JOIN LATERAL pg_catalog.aclexplode(c.relacl) AS a
LEFT JOIN pg_catalog.pg_roles AS r ON r.oid = a.grantee
WHERE c.relnamespace = '@extschema@'::regnamespace AND c.relkind = 'r' AND a.grantee <> c.relowner
  AND a.privilege_type IN ('INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', 'TRIGGER', 'REFERENCES')
ORDER BY 3, 1, 2

-- name: doctor_schema_open
SELECT CASE WHEN a.grantee = 0 THEN 'PUBLIC' ELSE pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(a.grantee)) END,
  pg_catalog.quote_ident(n.nspname)
FROM pg_catalog.pg_namespace AS n
CROSS JOIN LATERAL pg_catalog.aclexplode(n.nspacl) AS a
WHERE n.nspname = '@extschema_name@' AND a.privilege_type = 'CREATE' AND a.grantee <> n.nspowner
ORDER BY 1

-- name: doctor_owners
SELECT pg_catalog.count(*), pg_catalog.min(pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(m.relowner))),
  pg_catalog.min(o.name)
FROM pg_catalog.pg_class AS m
JOIN (
  SELECT c.oid::regclass::text, c.relowner FROM pg_catalog.pg_class AS c
  WHERE c.relnamespace = '@extschema@'::regnamespace AND c.relkind IN ('r', 'S', 'v')
  UNION ALL
  SELECT p.oid::regprocedure::text, p.proowner FROM pg_catalog.pg_proc AS p
  WHERE p.pronamespace = '@extschema@'::regnamespace
) AS o (name, owner) ON o.owner <> m.relowner
WHERE m.oid = '@extschema@.messages'::regclass

-- name: doctor_timescaledb_open
-- As in guard_timescaledb: from 2.29.1 on they ask.
SELECT EXISTS (
  SELECT FROM pg_catalog.pg_proc AS p
  JOIN pg_catalog.pg_namespace AS n ON n.oid = p.pronamespace
  WHERE n.nspname IN ('_timescaledb_functions', '_timescaledb_internal')
    AND p.proname IN ('freeze_chunk', 'unfreeze_chunk', 'drop_chunk', 'create_chunk')
    AND (
      p.proacl IS NULL OR EXISTS (
        SELECT FROM pg_catalog.aclexplode(p.proacl) AS a WHERE a.grantee = 0 AND a.privilege_type = 'EXECUTE'
      )
    )
) AND EXISTS (
  SELECT FROM pg_catalog.pg_extension AS e
  WHERE e.extname = 'timescaledb'
    AND pg_catalog.string_to_array(pg_catalog.split_part(e.extversion, '-', 1), '.')::integer[]
      < ARRAY[2, 29, 1]
)

-- name: doctor_archive_server
-- What an archive server that is registered needs, and is not there.
SELECT n.missing
FROM @extschema@.archive_server AS a
CROSS JOIN LATERAL (
  SELECT 'the extension dblink'
  WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_extension AS e WHERE e.extname = 'dblink')
  UNION ALL
  SELECT 'the foreign server "' || a.server_name || '"'
  WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_foreign_server AS s WHERE s.srvname = a.server_name)
  UNION ALL
  SELECT 'the user mapping of "' || a.server_name || '"'
  WHERE EXISTS (SELECT FROM pg_catalog.pg_foreign_server AS s WHERE s.srvname = a.server_name)
    AND NOT EXISTS (SELECT FROM pg_catalog.pg_user_mappings AS m WHERE m.srvname = a.server_name)
) AS n (missing)
