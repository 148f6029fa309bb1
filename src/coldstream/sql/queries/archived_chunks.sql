-- The epoch of the ledger, and the archived files that may have messages of a category (NULL: of any) at
-- or after a global position: those of chunks that have left the database. One row at least; a NULL range
-- where there is none.
SELECT s.archive_epoch, c.range_start, c.range_end, c.archive_url, f.object, c.archive_format,
  f.bytes, f.sha256, f.footer_bytes, f.footer_sha256,
  greatest(f.first_global_position, r.first_global_position, c.first_global_position),
  least(f.last_global_position, r.last_global_position, c.last_global_position)
FROM @extschema@.store AS s
LEFT JOIN (
  @extschema@.chunks AS c
  LEFT JOIN @extschema@.chunk_categories AS r
    ON r.range_start = c.range_start AND r.category = %(category)s
  LEFT JOIN @extschema@.archive_files AS f ON f.range_start = c.range_start
) ON c.state = 'dropped'
  AND (%(category)s::text IS NULL OR r.category IS NOT NULL)
  AND coalesce(r.last_global_position, c.last_global_position) >= %(position)s
  -- The names of a category's streams are the category, or begin with it and a hyphen, which a full stop
  -- follows in the order of names.
  AND (
    %(category)s::text IS NULL OR f.first_stream_name IS NULL
    OR f.last_stream_name >= %(category)s::text COLLATE "C"
    AND f.first_stream_name < (%(category)s::text || '.') COLLATE "C"
  )
  -- Of a category whose messages come before all of the file's, or after them, it has none.
  AND (
    f.object IS NULL OR greatest(f.first_global_position, r.first_global_position, %(position)s)
      <= least(f.last_global_position, r.last_global_position)
  )
ORDER BY c.range_start, f.number
