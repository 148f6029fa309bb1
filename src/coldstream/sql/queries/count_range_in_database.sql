-- What closing a range would count.
SELECT pg_catalog.count(*), pg_catalog.min(m.global_position), pg_catalog.max(m.global_position)
FROM @extschema@.messages AS m
WHERE m.time >= %s AND m.time < %s
