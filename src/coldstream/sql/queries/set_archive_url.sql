UPDATE @extschema@.store SET archive_url = %s::text
