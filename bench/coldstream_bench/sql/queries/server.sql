-- The server's versions, whether it is the embedded one, and the settings that decide what is
-- measured. NULL: no TimescaleDB.
SELECT current_setting('server_version'),
  (SELECT e.extversion FROM pg_extension AS e WHERE e.extname = 'timescaledb'),
  (
    SELECT n.nspname FROM pg_extension AS e JOIN pg_namespace AS n ON n.oid = e.extnamespace
    WHERE e.extname = 'timescaledb'
  ),
  version() ~* 'emscripten|emcc|wasm',
  (
    SELECT json_object_agg(s.name, current_setting(s.name) ORDER BY s.name)::text
    FROM pg_settings AS s
    WHERE s.name IN (
      'shared_buffers', 'effective_cache_size', 'work_mem', 'maintenance_work_mem', 'fsync',
      'synchronous_commit', 'full_page_writes', 'wal_level', 'wal_compression', 'max_wal_size',
      'checkpoint_timeout', 'commit_delay', 'max_connections', 'max_locks_per_transaction', 'jit',
      'max_parallel_workers_per_gather', 'random_page_cost', 'autovacuum',
      'default_toast_compression', 'timescaledb.license', 'plan_cache_mode'
    )
  ),
  current_setting('is_superuser') = 'on'
