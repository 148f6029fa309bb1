SELECT chunk_name, range_start, range_end, tier, state, is_compressed, messages,
  first_global_position, last_global_position, row_bytes, columnstore_bytes, archive_bytes,
  archive_url, archive_object, verified_at,
  kept_until, is_kept, part_streams, part_messages, archive_files
FROM @extschema@.known_chunks()
