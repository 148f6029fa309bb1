SELECT r.digest FROM @extschema@.begin_rehydrate(%s) AS r
