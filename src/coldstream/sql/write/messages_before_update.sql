-- audience: internal
-- Keeps the heads and the ledger true through an UPDATE, which is the owner's alone. History that is
-- sealed, or came back from the archive, does not change. In a closed chunk a message that gets another
-- place opens it again: a read that believed its recorded ranges would not come there.
--
-- Heads only grow: what is left behind is a gap, and the new place is within what a read looks at.
CREATE OR REPLACE FUNCTION @extschema@.messages_before_update()
RETURNS trigger
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  _is_moved constant boolean := (OLD.global_position, OLD.position, OLD.time, OLD.stream_name, OLD.id)
    IS DISTINCT FROM (NEW.global_position, NEW.position, NEW.time, NEW.stream_name, NEW.id);
  _chunk @extschema@.chunks;
  _head @extschema@.streams;
BEGIN
  IF num_nulls(NEW.global_position, NEW.position, NEW.time, NEW.stream_name, NEW.id) > 0 THEN
    RETURN NEW;
  END IF;
  NEW.data := to_json(NEW.data::jsonb);
  NEW.metadata := to_json(NEW.metadata::jsonb);
  NEW.correlation_category := coalesce(
    split_part(NEW.metadata ->> 'correlationStreamName', '-', 1), '-'
  );
  NEW.position_bucket := NEW.global_position >> 14;

  IF pg_catalog.left(pg_catalog.current_setting('transaction_isolation'), 4) <> 'read' THEN
    -- Or a closing that this snapshot cannot see would go unnoticed.
    PERFORM FROM @extschema@.store AS s FOR SHARE;
  END IF;
  SELECT c.* INTO _chunk FROM @extschema@.chunks AS c
  WHERE tstzrange(c.range_start, c.range_end) @> OLD.time
    AND coalesce(c.chunk_name, c.part_name) = @extschema@.qualified_name(TG_RELID)
  FOR UPDATE;
  IF _chunk.state NOT IN ('open', 'closed', 'compressed') THEN
    RAISE EXCEPTION 'A message cannot change: % is in the range % to %, which is %',
      OLD.time, _chunk.range_start, _chunk.range_end, _chunk.state
      USING
        ERRCODE = 'object_not_in_prerequisite_state',
        HINT = 'History that has been sealed or archived does not change.';
  END IF;
  IF NOT _is_moved THEN
    RETURN NEW;
  END IF;

  IF NEW.global_position <> OLD.global_position THEN
    -- In the order of admit_message.
    PERFORM pg_advisory_xact_lock(hashtext('@extschema_name@.global_position'), 0);
  END IF;
  PERFORM @extschema@.acquire_lock(NEW.stream_name);

  SELECT s.* INTO _head FROM @extschema@.streams AS s
  WHERE md5(s.stream_name)::uuid = md5(NEW.stream_name)::uuid AND s.stream_name = NEW.stream_name;
  IF (NEW.stream_name, NEW.position) <> (OLD.stream_name, OLD.position)
    AND NEW.position <= _head.position
  THEN
    PERFORM @extschema@.check_position(NEW.stream_name, NEW.position, _head.first_time, _head.time);
  END IF;
  INSERT INTO @extschema@.streams AS s (stream_name, position, first_time, time, time_ordered)
  VALUES (NEW.stream_name, NEW.position, NEW.time, NEW.time, false)
  ON CONFLICT ((md5(stream_name)::uuid)) DO UPDATE
    SET position = greatest(s.position, NEW.position),
      first_time = least(s.first_time, NEW.time),
      time = greatest(s.time, NEW.time),
      time_ordered = s.time_ordered
        AND (NEW.stream_name, NEW.position, NEW.time) = (OLD.stream_name, OLD.position, OLD.time)
    WHERE s.stream_name = NEW.stream_name;
  IF NOT FOUND THEN
    PERFORM @extschema@.raise_wrong_version(NEW.stream_name, NULL);
  END IF;

  IF NEW.global_position <> OLD.global_position THEN
    PERFORM @extschema@.claim_global_position(NEW.global_position);
  END IF;
  UPDATE @extschema@.recent_ids AS r SET id = NEW.id, global_position = NEW.global_position
  WHERE r.id = OLD.id AND r.global_position = OLD.global_position;

  IF _chunk.state IN ('closed', 'compressed') THEN
    UPDATE @extschema@.chunks AS c SET state = 'open', closed_at = NULL
    WHERE c.range_start = _chunk.range_start;
  END IF;
  RETURN NEW;
END;
$$;
