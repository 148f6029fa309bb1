SELECT row_bytes, columnstore_bytes FROM @extschema@.compress_range(%s)
