SELECT @extschema@.check_columnstore()
