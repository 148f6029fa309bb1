SELECT pg_catalog.current_setting('server_version'), e.extversion
FROM pg_catalog.pg_extension AS e
WHERE e.extname = 'timescaledb'
