-- The backends that serve clients in this database.
SELECT pid FROM pg_stat_activity
WHERE datname = current_database() AND backend_type = 'client backend'
