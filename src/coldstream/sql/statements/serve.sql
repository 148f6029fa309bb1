-- name: archive_of_store
SELECT s.archive_url FROM @extschema@.store AS s

-- name: archive_places
-- Every archive that the ledger names.
SELECT DISTINCT c.archive_url FROM @extschema@.chunks AS c WHERE c.archive_url IS NOT NULL

-- name: archive_server_users
SELECT u.name, u.verifier, u.may_query FROM @extschema@.archive_server_users AS u ORDER BY u.name
