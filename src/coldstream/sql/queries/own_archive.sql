SELECT archive_url FROM @extschema@.store
