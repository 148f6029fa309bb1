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
