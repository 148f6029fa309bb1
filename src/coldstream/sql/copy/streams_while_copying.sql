-- audience: internal
-- Keeps writers out of a store while a Message DB is where messages are written: what they wrote here would
-- get global positions that are given there, too. A copy passes by a setting: see streams_while_restoring.
CREATE OR REPLACE FUNCTION @extschema@.streams_while_copying()
RETURNS trigger
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  IF current_setting('coldstream.copying', true) = 'on' AND pg_has_role(
    SESSION_USER, (SELECT c.relowner FROM pg_class AS c WHERE c.oid = TG_RELID), 'MEMBER'
  ) THEN
    RETURN NULL;
  END IF;
  RAISE EXCEPTION 'The store takes no writes: it is a copy of a Message DB, which takes them'
    USING ERRCODE = 'CS006',
      HINT = 'Write to the Message DB until "coldstream copy-from --switch" has let writers in here.';
END;
$$;
