-- The epoch of the ledger, and the archived files that may have messages of a category (NULL: of any) at
-- or after a global position: those of the first few chunks that have left the database, by the position
-- of their first message. One row at least; a NULL range where there is none. next_position: where the
-- first chunk that is not listed begins, NULL where all are.
WITH listed AS (
  SELECT u.*, pg_catalog.row_number() OVER (ORDER BY u.first_global_position) AS number
  FROM (
    (
      SELECT c.range_start, c.range_end, c.archive_url, c.archive_format,
        r.first_global_position, r.last_global_position
      FROM @extschema@.chunk_categories AS r
      JOIN @extschema@.chunks AS c ON c.range_start = r.range_start
      WHERE r.category = %(category)s::text AND r.last_global_position >= %(position)s
        AND c.state = 'dropped'
      ORDER BY r.first_global_position
      LIMIT %(count)s::bigint + 1
    )
    UNION ALL
    (
      SELECT c.range_start, c.range_end, c.archive_url, c.archive_format,
        c.first_global_position, c.last_global_position
      FROM @extschema@.chunks AS c
      WHERE %(category)s::text IS NULL AND c.last_global_position >= %(position)s
        AND c.state = 'dropped'
      ORDER BY c.first_global_position
      LIMIT %(count)s::bigint + 1
    )
  ) AS u
)
SELECT s.archive_epoch,
  (
    SELECT l.first_global_position FROM listed AS l WHERE l.number = %(count)s::bigint + 1
  ) AS next_position,
  c.range_start, c.range_end, c.archive_url, c.archive_url <> s.archive_url AS is_elsewhere,
  f.object, c.archive_format, f.bytes, f.sha256, f.footer_bytes, f.footer_sha256,
  greatest(f.first_global_position, c.first_global_position),
  least(f.last_global_position, c.last_global_position)
FROM @extschema@.store AS s
LEFT JOIN (
  listed AS c
  -- One by one: the planner would rather hash all files.
  LEFT JOIN LATERAL (
    SELECT a.* FROM @extschema@.archive_files AS a WHERE a.range_start = c.range_start OFFSET 0
  ) AS f ON true
) ON c.number <= %(count)s::bigint
  -- The names of a category's streams are the category, or begin with it and a hyphen, which a full stop
  -- follows in the order of names.
  AND (
    %(category)s::text IS NULL OR f.first_stream_name IS NULL
    OR f.last_stream_name >= %(category)s::text COLLATE "C"
    AND f.first_stream_name < (%(category)s::text || '.') COLLATE "C"
  )
  -- Of a category whose messages come before all of the file's, or after them, it has none.
  AND (
    f.object IS NULL OR greatest(f.first_global_position, c.first_global_position, %(position)s)
      <= least(f.last_global_position, c.last_global_position)
  )
ORDER BY c.range_start, f.number
