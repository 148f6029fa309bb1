CALL @extschema@.close_ended_chunks()
