SELECT s.notify FROM @extschema@.store AS s
