-- audience: internal
-- From here on only a copy writes to the store, until let_writers_in. It waits for writers that are at work.
CREATE OR REPLACE FUNCTION @extschema@.keep_writers_out()
RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  IF NOT EXISTS (
    SELECT FROM pg_trigger AS t
    WHERE t.tgrelid = '@extschema@.streams'::regclass AND t.tgname = 'streams_while_copying'
  ) THEN
    CREATE TRIGGER streams_while_copying
    BEFORE INSERT OR UPDATE ON @extschema@.streams
    FOR EACH STATEMENT
    EXECUTE FUNCTION @extschema@.streams_while_copying();
  END IF;
END;
$$;
