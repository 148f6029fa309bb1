-- For clients that read the archive themselves: get_stream_messages without what has left the
-- database. The caller sees by the positions, which have no gaps, where something is missing.
CREATE OR REPLACE FUNCTION @extschema@.get_stream_messages_in_database(
  stream_name varchar,
  "position" bigint,
  batch_size bigint
)
RETURNS SETOF @extschema@.message
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  _setting text := pg_catalog.current_setting('message_store.archived_reads', true);
BEGIN
  -- Not as a SET of the function: only a superuser may give a function a setting that no library has
  -- declared.
  PERFORM pg_catalog.set_config('message_store.archived_reads', 'skip', true);
  RETURN QUERY SELECT m.* FROM @extschema@.get_stream_messages($1, $2, $3) AS m;
  PERFORM pg_catalog.set_config('message_store.archived_reads', coalesce(_setting, ''), true);
END;
$$;
