SELECT chunk_name
FROM @extschema@.finish_rehydrate(%s, coalesce(pg_catalog.clock_timestamp() + %s::interval, 'infinity'))
