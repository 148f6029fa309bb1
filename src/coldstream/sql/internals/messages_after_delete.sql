-- The id of a message that somebody deleted is free again.
CREATE OR REPLACE FUNCTION @extschema@.messages_after_delete()
RETURNS trigger
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  DELETE FROM @extschema@.recent_ids AS r
  WHERE r.id = OLD.id AND r.global_position = OLD.global_position;
  RETURN NULL;
END;
$$;
