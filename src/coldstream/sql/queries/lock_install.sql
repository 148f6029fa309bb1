-- Two numbers: never a category's lock.
SELECT pg_catalog.pg_advisory_xact_lock(1129271877, pg_catalog.hashtext(%s))
