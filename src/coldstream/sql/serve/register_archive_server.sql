-- audience: owner; needs timescale
-- Store where the archive server is, and how to log in to it: then reads get from it what has left the database
-- (see message_store.archived_reads). It needs the extension dblink, and makes it in a schema of its own where it
-- is not there. The server is a FOREIGN SERVER, and name and password a USER MAPPING of the store's owner: nobody
-- else can see them, and nobody else connects with them.
CREATE OR REPLACE FUNCTION @extschema@.register_archive_server(
  host text,
  port integer,
  user_name text,
  password text,
  sslmode text DEFAULT 'prefer',
  time_limit interval DEFAULT '30 seconds',
  sslrootcert text DEFAULT NULL
)
RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  _server constant name := 'coldstream @extschema_name@';
  _owner constant name := (
    SELECT pg_catalog.pg_get_userbyid(p.proowner)
    FROM pg_catalog.pg_proc AS p
    WHERE p.pronamespace = '@extschema@'::regnamespace AND p.proname = 'archived_part_of_stream'
  );
  _schema name;
  _options text;
BEGIN
  IF $6 < INTERVAL '1 second' THEN
    RAISE EXCEPTION 'The time limit must be at least one second: %', $6
      USING ERRCODE = 'invalid_parameter_value';
  END IF;
  IF NOT EXISTS (SELECT FROM pg_catalog.pg_extension WHERE extname = 'dblink') THEN
    -- Its functions are for everybody who may look into its schema: so nobody else may.
    PERFORM @extschema@.check_dblink_schema('coldstream_dblink', _owner);
    CREATE SCHEMA IF NOT EXISTS coldstream_dblink;
    -- Somebody may have made it between the look and here.
    PERFORM @extschema@.check_dblink_schema('coldstream_dblink', _owner);
    CREATE EXTENSION dblink SCHEMA coldstream_dblink;
  END IF;
  SELECT n.nspname INTO _schema
  FROM pg_catalog.pg_extension AS e
  JOIN pg_catalog.pg_namespace AS n ON n.oid = e.extnamespace
  WHERE e.extname = 'dblink';
  -- Another store's owner may have made it.
  IF NOT pg_catalog.has_schema_privilege(_owner, _schema, 'USAGE') THEN
    EXECUTE pg_catalog.format('GRANT USAGE ON SCHEMA %I TO %I', _schema, _owner);
  END IF;
  PERFORM @extschema@.unregister_archive_server();
  EXECUTE pg_catalog.format('DROP SERVER IF EXISTS %I CASCADE', _server);
  _options := pg_catalog.format(
    'host %L, port %L, dbname %L, sslmode %L, connect_timeout %L',
    $1, $2::text, '@extschema_name@', $5,
    greatest(2, pg_catalog.ceil(EXTRACT(epoch FROM $6)))::bigint::text
  ) || CASE WHEN $7 IS NULL THEN '' ELSE pg_catalog.format(', sslrootcert %L', $7) END;
  EXECUTE pg_catalog.format(
    'CREATE SERVER %I FOREIGN DATA WRAPPER dblink_fdw OPTIONS (%s)', _server, _options
  );
  EXECUTE pg_catalog.format(
    'CREATE USER MAPPING FOR %I SERVER %I OPTIONS (user %L, password %L)', _owner, _server, $3, $4
  );
  IF NOT pg_catalog.has_server_privilege(_owner, _server, 'USAGE') THEN
    EXECUTE pg_catalog.format('GRANT USAGE ON FOREIGN SERVER %I TO %I', _server, _owner);
  END IF;
  INSERT INTO @extschema@.archive_server (server_name, time_limit) VALUES (_server, $6)
  ON CONFLICT (singleton) DO UPDATE
    SET server_name = EXCLUDED.server_name, time_limit = EXCLUDED.time_limit;
END;
$$;
