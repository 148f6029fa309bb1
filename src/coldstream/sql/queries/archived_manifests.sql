SELECT c.range_start, c.range_end, c.state, c.archive_manifest, c.digest, c.archive_url, ARRAY(
  SELECT f.object FROM @extschema@.archive_files AS f
  WHERE f.range_start = c.range_start
  ORDER BY f.number
)
FROM @extschema@.chunks AS c
WHERE c.archive_manifest IS NOT NULL AND c.range_start < %s AND c.range_end > %s
ORDER BY c.range_start
