-- audience: part
-- What a read does where history has left the database: 'error', 'fetch', which gets it from the archive server
-- (the default where one is registered, see fetches_archived), or 'skip', by which a category, or everything,
-- starts at the edge. Set message_store.archived_reads for a session, a role or a database. To skip in a stream
-- is an error: its reader would take what is left for all of it.
CREATE OR REPLACE FUNCTION @extschema@.archived_reads()
RETURNS text
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  _setting text := pg_catalog.current_setting('message_store.archived_reads', true);
BEGIN
  IF coalesce(_setting, '') NOT IN ('', 'error', 'fetch', 'skip') THEN
    RAISE EXCEPTION 'message_store.archived_reads must be error, fetch or skip: %', _setting
      USING ERRCODE = 'invalid_parameter_value';
  END IF;
  RETURN coalesce(nullif(_setting, ''), 'error');
END;
$$;
