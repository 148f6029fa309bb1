-- As the owner of the store, until the transaction ends: the trigger on messages lets the owner's rows
-- pass, and whoever runs the lifecycle may be a superuser or a member of the owner.
SELECT set_config('role', (
    SELECT pg_catalog.pg_get_userbyid(c.relowner) FROM pg_catalog.pg_class AS c
    WHERE c.oid = '@extschema@.messages'::regclass
  ), true),
  r.digest
FROM @extschema@.begin_rehydrate(%s) AS r
