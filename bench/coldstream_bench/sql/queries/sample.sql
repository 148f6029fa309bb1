-- The newest messages of a store, oldest first. @extschema@ is the schema of the sampled store.
SELECT m.id::text, m.stream_name, m.type, m.data::text, m.metadata::text,
  extract(epoch FROM m.time)::float8
FROM @extschema@.messages AS m
WHERE m.global_position >= coalesce(
  (
    SELECT n.global_position FROM @extschema@.messages AS n
    ORDER BY n.global_position DESC OFFSET %(count)s - 1 LIMIT 1
  ),
  0
)
ORDER BY m.global_position
