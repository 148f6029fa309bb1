-- audience: internal; needs timescale
-- Keeps writers out while ranges are restored from the archive (begin_restore): until the heads say what
-- the archive has of a stream, a write would give its positions again.
--
-- restore_heads passes by a setting. Anybody may set it, so it counts only in a session of the owner's: here
-- CURRENT_USER says nothing, because the write functions run as the owner.
CREATE OR REPLACE FUNCTION @extschema@.streams_while_restoring()
RETURNS trigger
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  IF current_setting('coldstream.restoring', true) = 'on' AND pg_has_role(
    SESSION_USER, (SELECT c.relowner FROM pg_class AS c WHERE c.oid = TG_RELID), 'MEMBER'
  ) THEN
    RETURN NULL;
  END IF;
  RAISE EXCEPTION 'The store is being restored from its archive'
    USING ERRCODE = 'CS006',
      HINT = 'Wait for "coldstream archive rebuild" to end; run it again where it was broken off.';
END;
$$;
