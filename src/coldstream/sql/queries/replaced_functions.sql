SELECT @extschema@.replaced_functions()
