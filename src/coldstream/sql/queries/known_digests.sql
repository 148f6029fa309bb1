-- What this database knows of each archived range: the rows of its manifest, where that is, and the rows
-- of the manifest that a rebuild took in.
SELECT c.range_start, c.digest, c.archive_url, c.seen_digest
FROM @extschema@.chunks AS c
WHERE c.digest IS NOT NULL OR c.seen_digest IS NOT NULL
