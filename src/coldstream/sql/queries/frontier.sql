SELECT @extschema@.frontier()
