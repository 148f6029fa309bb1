SELECT @extschema@.record_consumer_position(%s, %s, %s, %s, %s)
