SELECT chunk_name FROM @extschema@.finish_rehydrate(%s)
