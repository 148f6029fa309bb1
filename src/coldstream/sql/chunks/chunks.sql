-- audience: internal
-- What becomes of a chunk is recorded, whoever does it.
DO $$
BEGIN
  IF NOT EXISTS (
    SELECT FROM pg_catalog.pg_trigger
    WHERE tgrelid = '@extschema@.chunks'::regclass AND tgname = 'chunks_after_state'
  ) THEN
    CREATE TRIGGER chunks_after_state
    AFTER INSERT OR UPDATE OF state, part_streams ON @extschema@.chunks
    FOR EACH ROW
    EXECUTE FUNCTION @extschema@.chunks_after_state();
  END IF;
END;
$$;
