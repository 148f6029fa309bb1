-- What the ledger knows of each range in one archive, but for its files.
SELECT c.range_start, c.archive_manifest, c.digest, c.archive_format, coalesce(c.exported_at, c.verified_at),
  coalesce(c.chunk_name, ''), c.seen_manifest
FROM @extschema@.chunks AS c
WHERE c.archive_url = %s AND c.archive_manifest IS NOT NULL AND c.digest IS NOT NULL
ORDER BY c.range_start
