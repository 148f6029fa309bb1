-- The manifest of a range was written again, under another key.
UPDATE @extschema@.chunks SET archive_manifest = %s::text, seen_manifest = NULL, seen_digest = NULL
WHERE range_start = %s AND digest = %s
