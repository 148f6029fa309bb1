SELECT * FROM @extschema@.set_lifecycle_policy(%s::interval, %s::interval, %s::interval)
