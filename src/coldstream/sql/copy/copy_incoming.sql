-- audience: internal
-- Brings the next messages of the source, which the session's incoming table has: rows, heads, ids, ledger
-- and the record of how far the copy is, in one transaction. They are all that the source has after one global
-- position, the one that the copy is at, and up to another.
CREATE OR REPLACE FUNCTION @extschema@.copy_incoming("after" bigint, last_global_position bigint)
RETURNS TABLE (messages bigint, first_time timestamptz, last_id uuid)
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
  _copied @extschema@.copied;
  _first bigint;
  _last bigint;
BEGIN
  SELECT c.* INTO _copied FROM @extschema@.copied AS c FOR UPDATE;
  IF _copied.last_global_position IS DISTINCT FROM $1 OR _copied.opened_at IS NOT NULL THEN
    RAISE EXCEPTION 'Another copy into this store is at work, or has ended it'
      USING ERRCODE = 'CS006', HINT = 'Wait for it to end, then run this again.';
  END IF;

  SELECT count(*), min(i.global_position), max(i.global_position), min(i.time)
  INTO messages, _first, _last, first_time
  FROM pg_temp.coldstream_incoming AS i;
  IF messages = 0 OR _first <= $1 OR _last <> $2 THEN
    RAISE EXCEPTION 'Not the messages after % and up to %: % to %', $1, $2, _first, _last
      USING ERRCODE = 'CS009', HINT = 'The source has changed meanwhile. Run this again.';
  END IF;
  PERFORM @extschema@.check_time(i.stream_name, i.time)
  FROM pg_temp.coldstream_incoming AS i
  WHERE i.time > clock_timestamp() OR i.time < '0100-01-01 00:00:00+00';

  PERFORM set_config('coldstream.copying', 'on', true);
  PERFORM @extschema@.move_incoming_heads();
  PERFORM @extschema@.lift_sequence($2);
  PERFORM @extschema@.take_incoming();

  INSERT INTO @extschema@.recent_ids (id, global_position)
  SELECT i.id, i.global_position FROM pg_temp.coldstream_incoming AS i WHERE i.time >= _copied.ids_since;

  PERFORM @extschema@.admit_incoming();

  SELECT i.id INTO last_id FROM pg_temp.coldstream_incoming AS i WHERE i.global_position = $2 LIMIT 1;
  UPDATE @extschema@.copied AS c
  SET last_global_position = $2, last_id = copy_incoming.last_id, messages = c.messages + copy_incoming.messages;
  RETURN NEXT;
END;
$$;
