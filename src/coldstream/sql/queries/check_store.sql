-- Whether the store is installed; whether the server is the embedded one (one connection); whether
-- the session took our startup options, which one of a pooler does not.
SELECT
  pg_catalog.to_regclass(pg_catalog.format('%%I.migrations', %s::pg_catalog.text)) IS NOT NULL,
  pg_catalog.version() OPERATOR(pg_catalog.~*) 'emscripten|emcc|wasm',
  coalesce(pg_catalog.current_setting('coldstream.session', true), '') OPERATOR(pg_catalog.=) 'on'
