SELECT s.id::text, s.archive_url, i.archive_url, coalesce(i.number, 0), i.token::text,
  i.previous_token::text, coalesce(@extschema@.store_is_here(), false), coalesce(i.is_behind, false)
FROM @extschema@.store AS s
-- Missing where a restore left it out: then nobody knows which database this is.
LEFT JOIN @extschema@.incarnation AS i ON true
