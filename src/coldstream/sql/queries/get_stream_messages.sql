SELECT id::uuid, stream_name, type, position, global_position, data, metadata, time
FROM @extschema@.get_stream_messages(%s, %s, %s)
