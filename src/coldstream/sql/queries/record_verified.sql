SELECT state FROM @extschema@.record_verified(%s, %s, %s, %s::jsonb)
