-- audience: internal
-- What was copied to the store's next engine does not change: such a change would be lost with the old table.
CREATE OR REPLACE FUNCTION @extschema@.messages_while_moving()
RETURNS trigger
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  RAISE EXCEPTION 'Messages cannot be changed or taken away: the store is being moved to another engine'
    USING
      ERRCODE = 'object_not_in_prerequisite_state',
      HINT = 'Let coldstream upgrade end, or give the move up: coldstream upgrade --cancel.';
END;
$$;
