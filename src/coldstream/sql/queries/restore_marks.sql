SELECT @extschema@.restore_marks(%s, %s::text[], %s::bigint[])
