-- audience: internal
-- The application's role, with Message DB's privileges: it writes and reads through the functions and
-- may select from and insert into messages; it cannot change, drop or alter anything. What the read
-- functions look at is readable. The functions are those whose first line says that they are for it
-- (message_db, application, part): whatever else there is, is the owner's alone.
DO $$
DECLARE
  _function regprocedure;
  _inserter name := '@inserter_name@';
BEGIN
  IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = '@role_name@') THEN
    CREATE ROLE @role@ WITH LOGIN;
  END IF;

  REVOKE ALL ON ALL ROUTINES IN SCHEMA @extschema@ FROM PUBLIC, @role@;

  GRANT USAGE ON SCHEMA @extschema@ TO @role@;
  GRANT SELECT ON @extschema@.messages TO @role@;
  -- Message DB's columns only: a row that names its bucket would pass the trigger, and who may insert
  -- into all of messages may insert into the tables of its columnstore. TimescaleDB cannot grant columns
  -- of a table that has a columnstore. So a role that nobody logs in with holds them from the first
  -- install on, and those of the application are members of it: they may come, go and be made anew.
  IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = _inserter) THEN
    BEGIN
      CREATE ROLE @inserter@ WITH NOLOGIN;
    EXCEPTION
      WHEN insufficient_privilege THEN
        -- An installer whose role was made for it can make no other.
        _inserter := '@role_name@';
    END;
  END IF;
  IF NOT pg_catalog.has_column_privilege(_inserter, '@extschema@.messages', 'stream_name', 'INSERT')
  THEN
    -- In a store that has a columnstore already they got lost (a restore without privileges): TimescaleDB
    -- has to look away for a moment, which a superuser may tell it.
    IF (SELECT s.columnstore FROM @extschema@.store AS s) AND EXISTS (
      SELECT FROM pg_catalog.pg_roles WHERE rolname = CURRENT_USER AND rolsuper
    ) THEN
      PERFORM pg_catalog.set_config('timescaledb.restoring', 'on', true);
    END IF;
    BEGIN
      EXECUTE pg_catalog.format(
        'GRANT INSERT (global_position, position, time, stream_name, type, data, metadata, id)
           ON @extschema@.messages TO %I',
        _inserter
      );
    EXCEPTION
      WHEN undefined_column THEN
        RAISE EXCEPTION 'TimescaleDB grants no columns of a table that has a columnstore'
          USING
            ERRCODE = 'insufficient_privilege',
            HINT = 'The privileges of the application''s role were lost: '
              'run coldstream init once as a superuser.';
    END;
    IF pg_catalog.current_setting('timescaledb.restoring', true) = 'on' THEN
      PERFORM pg_catalog.set_config('timescaledb.restoring', 'off', true);
    END IF;
  END IF;
  IF NOT pg_catalog.pg_has_role('@role_name@', _inserter, 'MEMBER') THEN
    EXECUTE pg_catalog.format('GRANT %I TO @role@', _inserter);
  END IF;
  GRANT USAGE, SELECT ON SEQUENCE @extschema@.messages_global_position_seq TO @role@;
  GRANT SELECT ON SEQUENCE @extschema@.closed_before TO @role@;
  GRANT SELECT ON @extschema@.streams, @extschema@.recent_ids, @extschema@.chunks,
    @extschema@.archive_files, @extschema@.chunk_categories, @extschema@.stream_marks,
    @extschema@.store, @extschema@.consumers, @extschema@.consumer_owners,
    @extschema@.consumer_failures, @extschema@.archive_server TO @role@;
  -- What the lifecycle did, and not who did it, from which program and address.
  GRANT SELECT (id, recorded_at, range_start, range_end, from_state, to_state, messages, bytes, seconds)
    ON @extschema@.transitions TO @role@;
  GRANT SELECT ON @views@ TO @role@;

  FOR _function IN
    SELECT p.oid::regprocedure
    FROM pg_catalog.pg_proc AS p
    WHERE p.pronamespace = '@extschema@'::regnamespace AND p.proname = ANY ('{@functions@,store_token}')
  LOOP
    EXECUTE pg_catalog.format('GRANT EXECUTE ON FUNCTION %s TO @role@', _function);
  END LOOP;
END;
$$;
