SELECT id FROM @extschema@.store
