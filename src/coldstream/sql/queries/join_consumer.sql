SELECT @extschema@.join_consumer(%s, %s, %s, %s)
