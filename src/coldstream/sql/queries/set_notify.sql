SELECT @extschema@.set_notify(%s)
