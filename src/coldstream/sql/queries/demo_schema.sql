-- The comment of a schema (NULL: no such schema; '': no comment), and whether a role exists.
SELECT
  (
    SELECT coalesce(pg_catalog.obj_description(n.oid, 'pg_namespace'), '')
    FROM pg_catalog.pg_namespace AS n WHERE n.nspname = %(schema)s
  ),
  EXISTS (SELECT FROM pg_catalog.pg_roles AS r WHERE r.rolname = %(role)s)
