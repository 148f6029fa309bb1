SELECT state FROM @extschema@.drop_range(%s)
