SELECT * FROM @extschema@.get_consumer_failures(%s, %s)
