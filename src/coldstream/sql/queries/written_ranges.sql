-- The ranges that are in one archive, and the newest manifest of each.
SELECT c.range_start, c.range_end, c.archive_manifest
FROM @extschema@.chunks AS c
WHERE c.archive_url = %s AND c.archive_manifest IS NOT NULL
