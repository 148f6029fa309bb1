-- audience: owner; needs timescale
-- Forget the archive server: reads of what has left the database are an error again, unless
-- message_store.archived_reads says otherwise. The users stay, for servers that people ask in SQL.
CREATE OR REPLACE FUNCTION @extschema@.unregister_archive_server()
RETURNS boolean
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  EXECUTE pg_catalog.format('DROP SERVER IF EXISTS %I CASCADE', 'coldstream @extschema_name@');
  DELETE FROM @extschema@.archive_server;
  RETURN FOUND;
END;
$$;
