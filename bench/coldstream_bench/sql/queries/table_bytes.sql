-- What the tables beside the messages take.
SELECT r.relname, pg_total_relation_size(r.oid)
FROM pg_class AS r
WHERE r.relnamespace = '@store@'::regnamespace AND r.relkind = 'r' AND r.relname <> 'messages'
