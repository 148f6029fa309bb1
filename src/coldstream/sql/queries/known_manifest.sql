-- What the newest manifest of a range in its archive may be, by what this database knows: the one it
-- recorded, and the one it was about to commit.
SELECT c.archive_manifest, c.digest, c.archive_url, c.seen_manifest, c.seen_digest
FROM @extschema@.chunks AS c
WHERE c.range_start = %s
