SELECT id, stream_name, type, position, global_position, data, metadata, time
FROM @extschema@.get_messages_in_database(%s, %s, %s, %s, %s, %s, %s, %s)
