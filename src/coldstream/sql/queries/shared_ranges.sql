SELECT c.archive_url, c.archive_manifest, c.digest
FROM @extschema@.chunks AS c
WHERE c.archive_manifest IS NOT NULL AND c.archive_url IS NOT NULL
ORDER BY c.range_start
