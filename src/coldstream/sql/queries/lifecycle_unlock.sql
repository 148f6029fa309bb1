SELECT pg_catalog.pg_advisory_unlock(1129271876, %s::regclass::oid::integer)
