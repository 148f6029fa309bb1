SELECT part_messages
FROM @extschema@.finish_rehydrate_part(
  %s, %s, %s, %s, coalesce(pg_catalog.clock_timestamp() + %s::interval, 'infinity')
)
