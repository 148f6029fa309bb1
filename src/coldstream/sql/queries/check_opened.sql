SELECT @extschema@.check_whole(false), @extschema@.lift_sequences()
