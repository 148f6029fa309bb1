SELECT coalesce(r.part_streams, '{}') FROM @extschema@.begin_rehydrate(%s) AS r
