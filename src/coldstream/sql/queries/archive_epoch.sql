-- Changes whenever a range leaves or re-enters the database.
SELECT s.archive_epoch FROM @extschema@.store AS s
