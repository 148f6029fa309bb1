SELECT @extschema@.last_category_position(%s)
