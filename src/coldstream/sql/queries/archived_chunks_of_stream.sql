-- The chunks that have left the database during the lifetime of a stream, oldest first.
SELECT s.archive_epoch, c.range_start, c.range_end, c.archive_url, c.archive_object, c.archive_format,
  c.archive_bytes, c.archive_sha256, c.archive_footer_bytes, c.archive_footer_sha256,
  c.first_global_position, c.last_global_position,
  h.first_time >= c.range_start OR h.time < c.range_end AS has_stream
FROM @extschema@.streams AS h
CROSS JOIN @extschema@.store AS s
JOIN @extschema@.chunks AS c
  ON c.state = 'dropped' AND c.range_end > h.first_time AND c.range_start <= h.time
WHERE pg_catalog.md5(h.stream_name)::uuid = pg_catalog.md5(%(stream_name)s)::uuid
  AND h.stream_name = %(stream_name)s AND EXISTS (
  SELECT FROM @extschema@.chunk_categories AS r
  WHERE r.range_start = c.range_start
    AND r.category = pg_catalog.split_part(%(stream_name)s, '-', 1)
)
ORDER BY c.range_start
