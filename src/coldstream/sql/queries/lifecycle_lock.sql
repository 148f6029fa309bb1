-- The key of lifecycle_lock, held by a session for a whole run.
SELECT pg_catalog.pg_try_advisory_lock(1129271876, %s::regclass::oid::integer)
