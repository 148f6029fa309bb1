-- audience: part
-- Refuses to go on with a store that was restored or copied in part: without its rows (a restore of the
-- schema alone), into another store (its rows and sequences beside that one's schema), or, with for_writes,
-- without its sequences. A read would give less than there is, and a write positions that exist.
CREATE OR REPLACE FUNCTION @extschema@.check_whole(for_writes boolean DEFAULT true)
RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  _is_mixed boolean;
BEGIN
  SELECT @extschema@.is_mixed(s.token) INTO _is_mixed FROM @extschema@.store AS s;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'The store has no rows of its own: only a part of it was restored'
      USING
        ERRCODE = 'CS012',
        HINT = 'Drop the schema, and restore the whole of a dump into a database without a store.';
  ELSIF _is_mixed THEN
    RAISE EXCEPTION 'Rows or sequences of another store were loaded into this one'
      USING
        ERRCODE = 'CS012',
        HINT = 'Was a dump restored into a store that was installed before? Restore the whole of it into a '
          'database without a store.';
  ELSIF $1 AND pg_sequence_last_value('@extschema@.closed_before') IS NULL THEN
    RAISE EXCEPTION 'The store was restored or copied without its sequences: positions would be given twice'
      USING
        ERRCODE = 'CS012',
        HINT = 'Restore all of it. Where everything else is there, "coldstream init" sets them.';
  END IF;
END;
$$;
