SELECT @extschema@.check_functions()
