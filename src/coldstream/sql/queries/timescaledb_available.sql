SELECT 1 FROM pg_catalog.pg_available_extensions AS e WHERE e.name = 'timescaledb'
