SELECT chunk_name, range_start, range_end, tier, state, is_compressed, messages,
  first_global_position, last_global_position, row_bytes, columnstore_bytes, archive_bytes,
  archive_url, archive_object, verified_at,
  CASE WHEN pg_catalog.isfinite(kept_until) THEN kept_until END,
  coalesce(kept_until > pg_catalog.clock_timestamp(), false)
FROM @extschema@.get_chunks()
