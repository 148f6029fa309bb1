-- audience: internal; needs timescale
-- Puts what the session's incoming table has of an archived range into messages, as it was, and empties the table
-- for the next. Heads, marks and the ledger are the caller's work. An id that a message of another range has is
-- that message's.
CREATE OR REPLACE FUNCTION @extschema@.merge_incoming()
RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  PERFORM @extschema@.take_incoming();
  INSERT INTO @extschema@.recent_ids (id, global_position)
  SELECT i.id, i.global_position FROM pg_temp.coldstream_incoming AS i
  ON CONFLICT DO NOTHING;
  TRUNCATE pg_temp.coldstream_incoming;
END;
$$;
