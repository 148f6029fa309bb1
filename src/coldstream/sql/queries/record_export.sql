SELECT state FROM @extschema@.record_export(%s, %s, %s, %s::jsonb)
