SELECT @extschema@.fork_store(%s::uuid, %s::text)
