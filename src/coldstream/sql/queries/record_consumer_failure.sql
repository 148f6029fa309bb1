SELECT @extschema@.record_consumer_failure(%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
