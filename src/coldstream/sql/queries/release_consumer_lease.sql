SELECT @extschema@.release_consumer_lease(%s, %s, %s)
