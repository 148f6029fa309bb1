SELECT f.stream_name, f.id::pg_catalog.text, f.position, f.global_position, f.archive_epoch
FROM @extschema@.find_messages(%s, %s::pg_catalog.uuid[]) AS f
