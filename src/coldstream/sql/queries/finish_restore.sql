SELECT @extschema@.finish_restore()
