-- The application's role, with Message DB's privileges: it writes and reads through the functions and
-- may select from and insert into messages; it cannot change, drop or alter anything. What the read
-- functions look at is readable. The names are the files in sql/functions and sql/views: whatever is
-- in another folder is the owner's alone.
DO $$
DECLARE
  _function regprocedure;
BEGIN
  IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = '@role_name@') THEN
    CREATE ROLE @role@ WITH LOGIN;
  END IF;

  REVOKE ALL ON ALL ROUTINES IN SCHEMA @extschema@ FROM PUBLIC, @role@;

  GRANT USAGE ON SCHEMA @extschema@ TO @role@;
  GRANT SELECT, INSERT ON @extschema@.messages TO @role@;
  GRANT USAGE, SELECT ON SEQUENCE @extschema@.messages_global_position_seq TO @role@;
  GRANT SELECT ON @extschema@.streams, @extschema@.recent_ids, @extschema@.chunks,
    @extschema@.chunk_categories, @extschema@.stream_marks, @extschema@.store TO @role@;
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
