-- Keeps the heads and the ledger true through a plain INSERT into messages, which Message DB allows.
-- The write functions do this work themselves and do not come here (see the trigger's condition).
--
-- A position or an id that exists is refused as Message DB's unique indexes refuse it. A global
-- position that the column's default gave is drawn again under the category's lock, because a reader
-- of the category relies on global positions being handed out in the order of commit.
CREATE OR REPLACE FUNCTION @extschema@.messages_before_insert()
RETURNS trigger
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  _sequence regclass := '@extschema@.messages_global_position_seq';
  _head @extschema@.streams;
  _constraint text;
  _detail text;
BEGIN
  IF NEW.stream_name IS NULL OR NEW.position IS NULL OR NEW.global_position IS NULL
    OR NEW.id IS NULL OR NEW.time IS NULL
  THEN
    -- make_chunk wants the row's chunk, and no row: nobody's trigger and no publication sees one.
    IF current_setting('coldstream.make_chunk', true) = 'on' THEN
      RETURN NULL;
    END IF;
    RETURN NEW;
  END IF;

  PERFORM @extschema@.acquire_lock(NEW.stream_name);

  IF EXISTS (
    SELECT FROM @extschema@.messages AS m WHERE m.global_position = NEW.global_position
  ) THEN
    _constraint := 'messages_pkey';
    _detail := format('Key (global_position)=(%s) already exists.', NEW.global_position);
  END IF;

  SELECT s.* INTO _head FROM @extschema@.streams AS s
  WHERE md5(s.stream_name)::uuid = md5(NEW.stream_name)::uuid AND s.stream_name = NEW.stream_name;

  IF NEW.position <= _head.position AND (
    EXISTS (
      SELECT FROM @extschema@.messages AS m
      WHERE m.stream_name = NEW.stream_name AND m.position = NEW.position
    ) OR EXISTS (
      SELECT FROM @extschema@.chunks AS c WHERE c.state = 'dropped' AND c.range_end > _head.first_time
    )
  ) THEN
    _constraint := 'messages_stream';
    _detail := format(
      'Key (stream_name, "position")=(%s, %s) already exists.', NEW.stream_name, NEW.position
    );
  END IF;

  IF _constraint IS NOT NULL THEN
    RAISE EXCEPTION 'duplicate key value violates unique constraint "%"', _constraint
      USING
        ERRCODE = 'unique_violation',
        DETAIL = _detail,
        SCHEMA = '@extschema_name@',
        TABLE = 'messages',
        CONSTRAINT = _constraint;
  END IF;

  INSERT INTO @extschema@.streams AS s (stream_name, position, first_time, time, time_ordered)
  VALUES (NEW.stream_name, NEW.position, NEW.time, NEW.time, true)
  ON CONFLICT ((md5(stream_name)::uuid)) DO UPDATE
    SET position = greatest(s.position, NEW.position),
      first_time = least(s.first_time, NEW.time),
      time = greatest(s.time, NEW.time),
      time_ordered = s.time_ordered AND NEW.position > s.position AND NEW.time >= s.time
    WHERE s.stream_name = NEW.stream_name;
  IF NOT FOUND THEN
    PERFORM @extschema@.raise_wrong_version(NEW.stream_name, NULL);
  END IF;

  -- Only now: whoever draws a position has changed a head, and so is waited for by readers of everything.
  IF NEW.global_position = @extschema@.sequence_value_of_session() THEN
    NEW.global_position := nextval(_sequence);
  ELSIF NEW.global_position > (SELECT s.last_value FROM @extschema@.messages_global_position_seq AS s)
  THEN
    PERFORM setval(_sequence, NEW.global_position);
  END IF;

  INSERT INTO @extschema@.recent_ids (id, global_position)
  VALUES (NEW.id, NEW.global_position);

  PERFORM @extschema@.admit_time(NEW.time);
  NEW.position_bucket := NEW.global_position >> 14;

  RETURN NEW;
END;
$$;
