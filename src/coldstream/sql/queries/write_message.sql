SELECT position, global_position
FROM @extschema@.write_message_returning(%s, %s, %s, %s::jsonb, %s::jsonb, %s)
