SELECT @extschema@.pause_consumer(%s, %s)
