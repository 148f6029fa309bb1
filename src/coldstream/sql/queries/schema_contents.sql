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
