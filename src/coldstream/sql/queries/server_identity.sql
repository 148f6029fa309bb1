-- Two connections that give the same are to the same database of the same server.
SELECT pg_catalog.pg_postmaster_start_time()::text, pg_catalog.current_database()::text
