-- audience: part
-- What a read of a category, or of everything, does where history has left the database: 'error' (the
-- default) or 'skip', which starts at the edge. Set message_store.archived_reads for a session, a role or a
-- database. A stream is always an error: its reader would take what is left for all of it.
CREATE OR REPLACE FUNCTION @extschema@.archived_reads()
RETURNS text
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  _setting text := pg_catalog.current_setting('message_store.archived_reads', true);
BEGIN
  IF coalesce(_setting, '') NOT IN ('', 'error', 'skip') THEN
    RAISE EXCEPTION 'message_store.archived_reads must be error or skip: %', _setting
      USING ERRCODE = 'invalid_parameter_value';
  END IF;
  RETURN coalesce(nullif(_setting, ''), 'error');
END;
$$;
