-- audience: internal
-- Ends a way back: messages are written to the Message DB again, which has everything up to this position,
-- and the store is its copy as it was before writers were let in. Writers have been kept out already.
CREATE OR REPLACE FUNCTION @extschema@.close_copied(last_global_position bigint)
RETURNS @extschema@.copied
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
  _copied @extschema@.copied;
  _id uuid;
BEGIN
  PERFORM @extschema@.keep_writers_out();
  EXECUTE 'SELECT m.id FROM @extschema@.messages AS m WHERE m.global_position = $1' INTO _id USING $1;
  UPDATE @extschema@.copied AS c
  SET last_global_position = $1, last_id = coalesce(_id, c.last_id), opened_at = NULL, opened_after = NULL
  WHERE c.opened_at IS NOT NULL
  RETURNING * INTO _copied;
  RETURN _copied;
END;
$$;
