-- The columnstore of every compressed chunk, and its columns.
SELECT n.nspname, r.relname, array_agg(a.attname)
FROM @store@.chunks AS c
JOIN pg_class AS r ON r.oid = @store@.columnstore_of(to_regclass(c.chunk_name))
JOIN pg_namespace AS n ON n.oid = r.relnamespace
JOIN pg_attribute AS a ON a.attrelid = r.oid AND a.attnum > 0 AND NOT a.attisdropped
GROUP BY n.nspname, r.relname
