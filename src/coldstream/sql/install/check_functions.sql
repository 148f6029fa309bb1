-- audience: internal
-- Refuses to go on where somebody put other functions in the place of the store's since the last install. The
-- own scripts of Message DB do that: what they put there writes without heads and reads without the archive.
CREATE OR REPLACE FUNCTION @extschema@.check_functions()
RETURNS void
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  _replaced constant text := @extschema@.replaced_functions();
BEGIN
  IF _replaced IS NOT NULL THEN
    RAISE EXCEPTION 'Functions of the store are not the ones that were installed: %', _replaced
      USING
        ERRCODE = 'CS008',
        HINT = '"coldstream init" brings them back. Never run the scripts of Message DB, or of a client that '
          'installs it, over a store.';
  END IF;
END;
$$;
