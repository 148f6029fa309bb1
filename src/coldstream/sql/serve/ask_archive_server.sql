-- audience: internal; needs timescale
-- Archived messages from the archive server, in order of position (by_position) or of global position.
--
-- Each session has one connection to it, which it keeps. The request is sent and the answer waited for without
-- blocking, so that the time limit, statement_timeout and a cancelled statement end the wait whatever becomes of
-- the network. What has gone wrong with a connection shows at its next use, so a failure on one that was kept is
-- tried once more on a new one: a request changes nothing. An answer counts once its end has come, and no
-- part of it before: it is never shorter than it should be.
--
-- dblink is called by a name that is made here: where the extension is not installed, only this fails.
CREATE OR REPLACE FUNCTION @extschema@.ask_archive_server(request jsonb, by_position boolean)
RETURNS @extschema@.message[]
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  _connection constant text := 'coldstream @extschema_name@';
  _statement constant text := pg_catalog.format(
    'SELECT * FROM coldstream.archived_messages(%s)',
    '''' || pg_catalog.replace($1::text, '''', '''''') || ''''
  );
  _server @extschema@.archive_server;
  _dblink text;
  _kept boolean;
  _done integer;
  _deadline timestamptz;
  _pause double precision;
  _found @extschema@.message[];
  _error text;
BEGIN
  SELECT a.* INTO _server FROM @extschema@.archive_server AS a;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'No archive server is registered'
      USING ERRCODE = 'CS014', HINT = 'coldstream serve --register';
  END IF;
  SELECT pg_catalog.quote_ident(n.nspname) INTO _dblink
  FROM pg_catalog.pg_extension AS e
  JOIN pg_catalog.pg_namespace AS n ON n.oid = e.extnamespace
  WHERE e.extname = 'dblink';
  IF NOT FOUND THEN
    RAISE EXCEPTION 'The extension dblink is not installed'
      USING ERRCODE = 'CS014', HINT = 'coldstream serve --register installs it.';
  END IF;
  _deadline := pg_catalog.clock_timestamp() + _server.time_limit;

  LOOP
    BEGIN
      EXECUTE pg_catalog.format('SELECT $1 = ANY (%s.dblink_get_connections())', _dblink)
        INTO _kept USING _connection;
      _kept := coalesce(_kept, false);
      IF NOT _kept THEN
        EXECUTE pg_catalog.format('SELECT %s.dblink_connect($1, $2)', _dblink)
          USING _connection, _server.server_name;
      END IF;
      EXECUTE pg_catalog.format('SELECT %s.dblink_send_query($1, $2)', _dblink)
        INTO _done USING _connection, _statement;
      IF _done <> 1 THEN
        -- Also where an earlier statement was cancelled and its answer never taken.
        RAISE EXCEPTION 'the request could not be sent' USING ERRCODE = 'connection_failure';
      END IF;
      _pause := 0.0002;
      LOOP
        -- Each look takes in what libpq's buffer has room for, a small part of a large answer.
        EXECUTE pg_catalog.format(
          'SELECT pg_catalog.min(%s.dblink_is_busy($1)) FROM pg_catalog.generate_series(1, 64)', _dblink
        ) INTO _done USING _connection;
        EXIT WHEN _done = 0;
        IF pg_catalog.clock_timestamp() > _deadline THEN
          RAISE EXCEPTION 'no answer within %', _server.time_limit USING ERRCODE = 'CS014';
        END IF;
        PERFORM pg_catalog.pg_sleep(_pause);
        _pause := least(_pause * 1.3, 0.002);
      END LOOP;
      EXECUTE pg_catalog.format(
        'SELECT pg_catalog.array_agg(
           ROW(t.id, t.stream_name, t.type, t.position, t.global_position, t.data, t.metadata, t.time
           )::@extschema@.message
           ORDER BY CASE WHEN $2 THEN t.position ELSE t.global_position END
         )
         FROM %s.dblink_get_result($1) AS t (
           id varchar, stream_name varchar, type varchar, position bigint, global_position bigint,
           data varchar, metadata varchar, time timestamp
         )',
        _dblink
      ) INTO _found USING _connection, $2;
      -- Then the connection is free for the next one.
      EXECUTE pg_catalog.format(
        'SELECT FROM %s.dblink_get_result($1) AS t (id varchar)', _dblink
      ) USING _connection;
      RETURN coalesce(_found, '{}');
    EXCEPTION
      -- What the server says of the archive: the connection is as good as before.
      WHEN io_error THEN
        RAISE EXCEPTION 'The archive cannot be read: %', SQLERRM USING ERRCODE = 'CS014';
      WHEN data_corrupted THEN
        RAISE EXCEPTION 'The archive is damaged: %', SQLERRM USING ERRCODE = 'CS015';
      WHEN OTHERS THEN
        -- What libpq says of a connection is in the detail.
        GET STACKED DIAGNOSTICS _error = PG_EXCEPTION_DETAIL;
        _error := coalesce(nullif(_error, ''), SQLERRM);
        BEGIN
          EXECUTE pg_catalog.format('SELECT %s.dblink_disconnect($1)', _dblink) USING _connection;
        EXCEPTION
          WHEN OTHERS THEN
            NULL;
        END;
        IF _kept IS NOT TRUE OR SQLSTATE = 'CS014' OR pg_catalog.clock_timestamp() > _deadline THEN
          RAISE EXCEPTION 'The archive server did not answer: %', pg_catalog.rtrim(_error, E'\n')
            USING
              ERRCODE = 'CS014',
              HINT = 'Is coldstream serve running? SET message_store.archived_reads = ''error'' '
                'asks for nothing that has left the database.';
        END IF;
    END;
  END LOOP;
END;
$$;
