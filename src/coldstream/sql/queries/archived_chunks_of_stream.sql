-- The archived files that may have messages of a stream, oldest first: of the chunks that have left the
-- database during its lifetime, those among whose names its name is. A chunk without such a file has a row
-- where it was dropped by force.
SELECT s.archive_epoch, c.range_start, c.range_end, c.archive_url, f.object, c.archive_format,
  f.bytes, f.sha256, f.footer_bytes, f.footer_sha256,
  f.first_global_position, f.last_global_position,
  -- Where its name is among those of several files, it may not be in each of them.
  (h.first_time >= c.range_start OR h.time < c.range_end)
    AND pg_catalog.count(*) OVER (PARTITION BY c.range_start) = 1 AS has_stream
FROM @extschema@.streams AS h
CROSS JOIN @extschema@.store AS s
JOIN @extschema@.chunks AS c
  ON c.state = 'dropped' AND c.range_end > h.first_time AND c.range_start <= h.time
LEFT JOIN @extschema@.archive_files AS f ON f.range_start = c.range_start
WHERE pg_catalog.md5(h.stream_name)::uuid = pg_catalog.md5(%(stream_name)s)::uuid
  AND h.stream_name = %(stream_name)s AND EXISTS (
  SELECT FROM @extschema@.chunk_categories AS r
  WHERE r.range_start = c.range_start
    AND r.category = pg_catalog.split_part(%(stream_name)s, '-', 1)
) AND (
  f.first_stream_name IS NULL
  OR %(stream_name)s::text COLLATE "C" BETWEEN f.first_stream_name AND f.last_stream_name
)
ORDER BY c.range_start, f.number
