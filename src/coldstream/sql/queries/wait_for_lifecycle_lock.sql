-- The same as lifecycle_lock, once whoever holds the key has ended.
SELECT pg_catalog.pg_advisory_lock(1129271876, %s::regclass::oid::integer)
