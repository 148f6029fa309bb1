SELECT @extschema@.check_whole(false)
