SELECT s.id::text, s.archive_url, i.archive_url, i.number, i.token::text, i.previous_token::text,
  @extschema@.store_is_here(), i.is_behind
FROM @extschema@.store AS s, @extschema@.incarnation AS i
