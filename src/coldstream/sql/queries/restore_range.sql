SELECT @extschema@.restore_range(%s, %s, %s::jsonb)
