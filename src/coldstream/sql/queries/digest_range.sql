SELECT @extschema@.digest_range(%s, %s)
