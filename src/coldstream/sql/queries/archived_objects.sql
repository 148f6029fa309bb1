SELECT range_start, range_end, state, archive_url, archive_object, archive_format, messages
FROM @extschema@.chunks
WHERE archive_object IS NOT NULL
ORDER BY range_start
