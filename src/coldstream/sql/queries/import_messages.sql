-- Messages with times of their own, for the store's owner.
SELECT import_messages
FROM @extschema@.import_messages(
  %s::bigint[], %s::timestamptz[], %s::varchar[], %s::varchar[],
  %s::jsonb[], %s::jsonb[], %s::uuid[], %s::bigint[]
)
