SELECT * FROM @extschema@.get_consumers()
