-- The archive's order is by bytes: C, whatever the database's collation.
SELECT m.global_position, m.position, m.time, m.stream_name, m.type, m.data::text AS data,
  m.metadata::text AS metadata, m.id, m.stream_category AS category
FROM @extschema@.messages AS m
WHERE m.time >= {range_start} AND m.time < {range_end}
ORDER BY m.stream_name COLLATE "C", m.position
