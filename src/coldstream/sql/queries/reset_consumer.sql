SELECT @extschema@.reset_consumer(%s, %s)
