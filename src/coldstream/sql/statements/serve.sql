-- name: archive_of_store
SELECT s.archive_url FROM @extschema@.store AS s

-- name: archive_objects
-- Of these files those that the ledger names, and in which archive.
SELECT f.object, c.archive_url
FROM @extschema@.archive_files AS f
JOIN @extschema@.chunks AS c ON c.range_start = f.range_start
WHERE f.object = ANY (%s::text[])

-- name: archive_server_users
SELECT u.name, u.verifier, u.may_query FROM @extschema@.archive_server_users AS u ORDER BY u.name
