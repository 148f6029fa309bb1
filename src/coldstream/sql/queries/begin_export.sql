SELECT state, chunk_name, messages FROM @extschema@.begin_export(%s, %s)
