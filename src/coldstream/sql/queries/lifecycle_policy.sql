SELECT compress_after, archive_after, drop_after, columnstore FROM @extschema@.store
