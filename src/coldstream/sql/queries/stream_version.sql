SELECT @extschema@.stream_version(%s)
