SELECT @extschema@.adopt_store_id(%s::uuid)
