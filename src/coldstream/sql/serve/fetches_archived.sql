-- audience: part; needs timescale
-- Whether a read that needs what has left the database gets it from the archive server: where
-- message_store.archived_reads says 'fetch', and where it says nothing and a server is registered.
CREATE OR REPLACE FUNCTION @extschema@.fetches_archived()
RETURNS boolean
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  _setting constant text := coalesce(
    pg_catalog.current_setting('message_store.archived_reads', true), ''
  );
BEGIN
  RETURN _setting = 'fetch'
    OR _setting = '' AND EXISTS (SELECT FROM @extschema@.archive_server AS a);
END;
$$;
