SELECT state
FROM @extschema@.keep_range(%s, coalesce(pg_catalog.clock_timestamp() + %s::interval, 'infinity'))
