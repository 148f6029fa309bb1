-- audience: internal; needs timescale
-- Ends what begin_restore began. Only where it did: a look costs nothing, and the lock stops writers.
CREATE OR REPLACE FUNCTION @extschema@.let_writers_in()
RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  IF EXISTS (
    SELECT FROM pg_trigger AS t
    WHERE t.tgrelid = '@extschema@.streams'::regclass AND t.tgname = 'streams_while_restoring'
  ) THEN
    DROP TRIGGER streams_while_restoring ON @extschema@.streams;
  END IF;
END;
$$;
