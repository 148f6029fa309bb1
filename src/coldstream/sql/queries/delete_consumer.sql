SELECT @extschema@.delete_consumer(%s)
