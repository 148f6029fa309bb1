SELECT position, global_position
FROM @extschema@.write_messages(%s, %s, %s, %s, %s, %s::jsonb)
