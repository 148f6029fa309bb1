-- audience: part
-- A relation's name with its schema, whatever the search path.
CREATE OR REPLACE FUNCTION @extschema@.qualified_name(relation regclass)
RETURNS text
LANGUAGE sql STABLE
AS $$
  SELECT pg_catalog.format('%I.%I', n.nspname, c.relname)
  FROM pg_catalog.pg_class AS c
  JOIN pg_catalog.pg_namespace AS n ON n.oid OPERATOR(pg_catalog.=) c.relnamespace
  WHERE c.oid OPERATOR(pg_catalog.=) $1
$$;
