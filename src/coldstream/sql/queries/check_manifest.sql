SELECT @extschema@.check_manifest(%s, %s::jsonb)
