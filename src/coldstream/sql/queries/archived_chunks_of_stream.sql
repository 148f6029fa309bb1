-- The archived files that may have messages of a stream from a position on, oldest first: of the first few
-- chunks that have left the database (see dropped_chunks_of_stream), those among whose names its name is.
-- A chunk without such a file has a row where it was dropped by force. One row at least; a NULL range where
-- there is none. is_more: some are not listed. in_order: the stream's positions follow the order of the
-- chunks that are listed, and of those that are not: neither do positions go back in time, nor do ranges
-- overlap. version: the stream's.
WITH listed AS (
  SELECT c.range_start, c.range_end, c.archive_url, c.archive_format,
    -- The stream begins or ends in it.
    h.first_time >= c.range_start OR h.time < c.range_end AS is_end,
    pg_catalog.row_number() OVER (ORDER BY c.range_start) AS number,
    c.range_start < pg_catalog.max(c.range_end) OVER (
      ORDER BY c.range_start ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
    ) AS overlaps
  FROM @extschema@.dropped_chunks_of_stream(
    %(stream_name)s, %(position)s, %(count)s::bigint + 1
  ) AS l (range_start)
  JOIN @extschema@.chunks AS c ON c.range_start = l.range_start
  JOIN @extschema@.streams AS h
    ON pg_catalog.md5(h.stream_name)::uuid = pg_catalog.md5(%(stream_name)s)::uuid
    AND h.stream_name = %(stream_name)s
)
SELECT s.archive_epoch,
  (SELECT 1 FROM listed AS l WHERE l.number = %(count)s::bigint + 1) AS is_more,
  h.time_ordered AND NOT EXISTS (SELECT FROM listed AS l WHERE l.overlaps) AS in_order,
  h.position AS version,
  c.range_start, c.range_end, c.archive_url, c.archive_url <> s.archive_url AS is_elsewhere,
  f.object, c.archive_format, f.bytes, f.sha256, f.footer_bytes, f.footer_sha256,
  f.first_global_position, f.last_global_position,
  -- Where its name is among those of several files, it may not be in each of them.
  c.is_end AND pg_catalog.count(*) OVER (PARTITION BY c.range_start) = 1 AS has_stream
FROM @extschema@.store AS s
LEFT JOIN @extschema@.streams AS h
  ON pg_catalog.md5(h.stream_name)::uuid = pg_catalog.md5(%(stream_name)s)::uuid
  AND h.stream_name = %(stream_name)s
LEFT JOIN (
  listed AS c
  -- One by one: the planner would rather hash all files.
  LEFT JOIN LATERAL (
    SELECT a.* FROM @extschema@.archive_files AS a WHERE a.range_start = c.range_start OFFSET 0
  ) AS f ON true
) ON c.number <= %(count)s::bigint AND (
  f.first_stream_name IS NULL
  OR %(stream_name)s::text COLLATE "C" BETWEEN f.first_stream_name AND f.last_stream_name
)
ORDER BY c.range_start, f.number
