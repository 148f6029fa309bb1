-- The application's role, with Message DB's privileges: it writes and reads through the functions and
-- may select from and insert into messages; it cannot change, drop or alter anything. What the read
-- functions look at is readable. The names are the files in sql/functions and sql/views: whatever is
-- in another folder is the owner's alone.
DO $$
DECLARE
  _function regprocedure;
  _holder name;
BEGIN
  IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = '@role_name@') THEN
    CREATE ROLE @role@ WITH LOGIN;
  END IF;

  REVOKE ALL ON ALL ROUTINES IN SCHEMA @extschema@ FROM PUBLIC, @role@;

  GRANT USAGE ON SCHEMA @extschema@ TO @role@;
  GRANT SELECT ON @extschema@.messages TO @role@;
  -- Message DB's columns only: a row that names its bucket would pass the trigger. TimescaleDB cannot
  -- grant columns of a table that has a columnstore, so a role that comes later becomes a member of
  -- the one that came first.
  SELECT pg_catalog.pg_get_userbyid(g.grantee) INTO _holder
  FROM pg_catalog.pg_attribute AS a
  CROSS JOIN LATERAL pg_catalog.aclexplode(a.attacl) AS g
  WHERE a.attrelid = '@extschema@.messages'::regclass AND a.attname = 'stream_name'
    AND g.privilege_type = 'INSERT'
  ORDER BY g.grantee <> '@role@'::regrole
  LIMIT 1;
  IF _holder IS NULL THEN
    GRANT INSERT (global_position, position, time, stream_name, type, data, metadata, id)
      ON @extschema@.messages TO @role@;
  ELSIF _holder <> '@role_name@' THEN
    EXECUTE pg_catalog.format('GRANT %I TO @role@', _holder);
  END IF;
  GRANT USAGE, SELECT ON SEQUENCE @extschema@.messages_global_position_seq TO @role@;
  GRANT SELECT ON @extschema@.streams, @extschema@.recent_ids, @extschema@.chunks,
    @extschema@.archive_files, @extschema@.chunk_categories, @extschema@.stream_marks,
    @extschema@.store, @extschema@.consumers, @extschema@.consumer_owners,
    @extschema@.consumer_failures TO @role@;
  GRANT SELECT ON @views@ TO @role@;

  FOR _function IN
    SELECT p.oid::regprocedure
    FROM pg_catalog.pg_proc AS p
    WHERE p.pronamespace = '@extschema@'::regnamespace AND p.proname = ANY ('{@functions@}')
  LOOP
    EXECUTE pg_catalog.format('GRANT EXECUTE ON FUNCTION %s TO @role@', _function);
  END LOOP;
END;
$$;
