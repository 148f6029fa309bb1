SELECT range_start, range_end, state, archive_manifest, digest, archive_url
FROM @extschema@.chunks
WHERE archive_manifest IS NOT NULL AND range_start < %s AND range_end > %s
ORDER BY range_start
