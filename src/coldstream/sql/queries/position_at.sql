SELECT @extschema@.position_at(%s, %s)
