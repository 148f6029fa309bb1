SELECT id::uuid, stream_name, type, position, global_position, data, metadata, time
FROM @extschema@.get_stream_messages_in_database(%s, %s, %s)
