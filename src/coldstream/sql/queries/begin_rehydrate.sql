SELECT set_config('coldstream.writing', 'on', true), r.digest
FROM @extschema@.begin_rehydrate(%s) AS r
