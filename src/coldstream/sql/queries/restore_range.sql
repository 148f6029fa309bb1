SELECT @extschema@.restore_range(%s::text, %s::text, %s::jsonb, %s::boolean)
