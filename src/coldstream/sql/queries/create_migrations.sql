CREATE TABLE IF NOT EXISTS @extschema@.migrations (
  name text PRIMARY KEY,
  checksum text NOT NULL,
  software_version text NOT NULL,
  applied_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp()
);
COMMENT ON TABLE @extschema@.migrations IS 'coldstream: the migrations that made this store';
