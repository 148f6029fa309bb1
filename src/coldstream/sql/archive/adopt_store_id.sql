-- audience: internal; needs timescale
-- Makes an empty store the one whose archive it is given: exports and the rebuild of the ledger refuse
-- an archive of another store, because its positions would be another history's.
CREATE OR REPLACE FUNCTION @extschema@.adopt_store_id(id uuid)
RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
  PERFORM @extschema@.lifecycle_lock();
  IF (SELECT s.id FROM @extschema@.store AS s) = $1 THEN
    RETURN;
  END IF;

  IF EXISTS (SELECT FROM @extschema@.streams)
    OR EXISTS (SELECT FROM @extschema@.chunks AS c WHERE c.state <> 'open' AND c.messages <> 0)
  THEN
    RAISE EXCEPTION 'The archive is that of another store: %', $1
      USING
        ERRCODE = 'object_not_in_prerequisite_state',
        HINT = 'Rebuild it into a store that has no messages, or name this store''s own archive.';
  END IF;
  UPDATE @extschema@.store SET id = $1;
END;
$$;
