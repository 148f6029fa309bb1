-- Every file of the archive that the ledger knows.
SELECT c.range_start, c.range_end, c.state, c.archive_url, f.object, c.archive_format, f.messages
FROM @extschema@.chunks AS c
JOIN @extschema@.archive_files AS f ON f.range_start = c.range_start
ORDER BY c.range_start, f.number
