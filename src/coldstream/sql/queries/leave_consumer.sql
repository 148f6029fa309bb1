SELECT @extschema@.leave_consumer(%s, %s)
