SELECT recorded_at, range_start, range_end, from_state, to_state, role, application, address::text,
  messages, bytes, seconds
FROM @extschema@.transitions
ORDER BY id DESC
LIMIT %s
