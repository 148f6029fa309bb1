-- audience: internal
-- Ends what begin_restore or begin_copy began. Only where one did: a look costs nothing, and the lock stops
-- writers. A copy that has not ended goes on keeping them out.
CREATE OR REPLACE FUNCTION @extschema@.let_writers_in()
RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  _name name;
BEGIN
  FOR _name IN
    SELECT t.tgname FROM pg_trigger AS t
    WHERE t.tgrelid = '@extschema@.streams'::regclass
      AND (
        t.tgname = 'streams_while_restoring'
        OR t.tgname = 'streams_while_copying' AND NOT EXISTS (
          SELECT FROM @extschema@.copied AS c WHERE c.opened_at IS NULL
        )
      )
  LOOP
    EXECUTE format('DROP TRIGGER %I ON @extschema@.streams', _name);
  END LOOP;
END;
$$;
