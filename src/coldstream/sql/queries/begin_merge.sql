SELECT @extschema@.begin_merge(%s::timestamptz)
