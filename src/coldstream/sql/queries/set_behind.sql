UPDATE @extschema@.incarnation SET is_behind = %s::boolean WHERE is_behind <> %s::boolean
