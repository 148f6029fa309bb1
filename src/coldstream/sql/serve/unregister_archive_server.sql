-- audience: owner; needs timescale
-- Forget the archive server: reads of what has left the database are an error again, unless
-- message_store.archived_reads says otherwise. The users stay, for servers that people ask in SQL.
CREATE OR REPLACE FUNCTION @extschema@.unregister_archive_server()
RETURNS boolean
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  _server @extschema@.archive_server;
BEGIN
  DELETE FROM @extschema@.archive_server RETURNING * INTO _server;
  IF NOT FOUND THEN
    RETURN false;
  END IF;
  -- By its name of then: the schema may have another one by now.
  EXECUTE pg_catalog.format('DROP SERVER IF EXISTS %I CASCADE', _server.server_name);
  RETURN true;
END;
$$;
