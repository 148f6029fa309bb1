SELECT @extschema@.finish_merge(%s::timestamptz, %s::text, %s::text, %s::boolean)
