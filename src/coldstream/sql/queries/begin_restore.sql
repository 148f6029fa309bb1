SELECT @extschema@.begin_restore(%s::uuid, %s::bigint)
