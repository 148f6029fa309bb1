-- Keeps writers out while ranges are restored from the archive (begin_restore): until the heads say what
-- the archive has of a stream, a write would give its positions again.
CREATE OR REPLACE FUNCTION @extschema@.streams_while_restoring()
RETURNS trigger
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  IF current_setting('coldstream.restoring', true) = 'on' THEN
    RETURN NULL;
  END IF;
  RAISE EXCEPTION 'The store is being restored from its archive'
    USING ERRCODE = 'CS006',
      HINT = 'Wait for "coldstream archive rebuild" to end; run it again where it was broken off.';
END;
$$;
