SELECT @extschema@.record_claim(%s::text, %s::bigint, %s::uuid)
