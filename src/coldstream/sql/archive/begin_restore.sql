-- audience: internal; needs timescale
-- Before ranges are restored: whose archive it is, and no write is let in until all of it is back, for it
-- could give positions again that the archive has. A restore takes several transactions, and a killed one
-- leaves the store so; finish_restore ends it.
CREATE OR REPLACE FUNCTION @extschema@.begin_restore(id uuid, last_global_position bigint)
RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  PERFORM @extschema@.lifecycle_lock();
  PERFORM @extschema@.adopt_store_id($1);
  -- On the heads, which every way of writing changes. It waits for writers that are at work.
  IF NOT EXISTS (
    SELECT FROM pg_trigger AS t
    WHERE t.tgrelid = '@extschema@.streams'::regclass AND t.tgname = 'streams_while_restoring'
  ) THEN
    CREATE TRIGGER streams_while_restoring
    BEFORE INSERT OR UPDATE ON @extschema@.streams
    FOR EACH STATEMENT
    EXECUTE FUNCTION @extschema@.streams_while_restoring();
  END IF;
  PERFORM @extschema@.lift_sequence($2);
END;
$$;
