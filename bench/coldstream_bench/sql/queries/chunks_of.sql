-- A hypertable's chunks, oldest first, and where each ends.
SELECT c.chunk_schema, c.chunk_name, c.range_end
FROM timescaledb_information.chunks AS c
WHERE c.hypertable_schema = %s AND c.hypertable_name = 'messages'
ORDER BY c.range_start
