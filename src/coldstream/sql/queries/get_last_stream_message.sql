SELECT id::uuid, stream_name, type, position, global_position, data, metadata, time
FROM @extschema@.get_last_stream_message(%s, %s)
