-- What was about to be committed is recorded. From the first export on nobody archives to another place
-- by mistake.
WITH finished AS (
  UPDATE @extschema@.chunks SET seen_manifest = NULL, seen_digest = NULL WHERE range_start = %s
)
UPDATE @extschema@.store SET archive_url = %s::text WHERE archive_url IS NULL
