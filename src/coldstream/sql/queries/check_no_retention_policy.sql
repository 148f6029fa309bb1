SELECT @extschema@.check_no_retention_policy()
