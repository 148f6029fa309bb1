-- The epoch of the ledger, and the chunks of a category (NULL: of any) that have left the database
-- and hold global positions at or after one. One row at least; a NULL range where there is none.
SELECT s.archive_epoch, c.range_start, c.range_end, c.archive_url, c.archive_object, c.archive_format,
  c.archive_bytes, c.archive_sha256, c.archive_footer_bytes, c.archive_footer_sha256,
  coalesce(r.first_global_position, c.first_global_position),
  coalesce(r.last_global_position, c.last_global_position)
FROM @extschema@.store AS s
LEFT JOIN (
  @extschema@.chunks AS c
  LEFT JOIN @extschema@.chunk_categories AS r
    ON r.range_start = c.range_start AND r.category = %(category)s
) ON c.state = 'dropped'
  AND (%(category)s::text IS NULL OR r.category IS NOT NULL)
  AND coalesce(r.last_global_position, c.last_global_position) >= %(position)s
ORDER BY c.range_start
