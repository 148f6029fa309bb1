SELECT @extschema@.apply_settings(@values@);
