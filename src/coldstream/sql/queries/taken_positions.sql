SELECT stream_name, "position" FROM @extschema@.taken_positions(
  %s::text[], %s::bigint[], %s::bigint[], %s::timestamptz, %s::timestamptz
)
