SELECT @extschema@.resize_consumer(%s, %s, %s)
