-- The files of an archived range, in the archive's order.
SELECT f.object, f.bytes, f.sha256, f.footer_bytes, f.footer_sha256, f.messages, f.first_stream_name,
  f.last_stream_name, f.first_global_position, f.last_global_position
FROM @extschema@.archive_files AS f
WHERE f.range_start = %s
ORDER BY f.number
