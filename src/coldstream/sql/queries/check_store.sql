-- Whether the store is installed, and whether the server is the embedded one (one connection).
SELECT pg_catalog.to_regclass(%s) IS NOT NULL, pg_catalog.version() ~* 'emscripten|emcc|wasm'
