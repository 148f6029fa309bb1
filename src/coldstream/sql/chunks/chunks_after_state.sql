-- audience: internal
-- Records a transition in the history: every statement that sets a chunk's state, so that none can
-- forget to, or what of a dropped chunk is back. coldstream.seconds is how long the step took where it began before this transaction.
CREATE OR REPLACE FUNCTION @extschema@.chunks_after_state()
RETURNS trigger
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  _from text := CASE WHEN OLD.part_name IS NULL THEN OLD.state ELSE 'rehydrated in part' END;
  _to text := CASE WHEN NEW.part_name IS NULL THEN NEW.state ELSE 'rehydrated in part' END;
BEGIN
  -- That there is a chunk is no transition. What a restore loads is another's, and comes with its own.
  IF current_setting('timescaledb.restoring', true) = 'on'
    OR NEW.state = 'open' AND (TG_OP = 'INSERT' OR OLD.state = 'open')
  THEN
    RETURN NULL;
  END IF;

  INSERT INTO @extschema@.transitions
    (range_start, range_end, from_state, to_state, messages, bytes, seconds)
  VALUES (
    NEW.range_start, NEW.range_end, _from, _to,
    CASE WHEN NEW.state <> 'open' THEN coalesce(NEW.part_messages, NEW.messages) END,
    CASE
      WHEN NEW.part_name IS NOT NULL THEN NULL
      WHEN NEW.state = 'closed' THEN NEW.row_bytes
      WHEN NEW.state = 'compressed' THEN NEW.columnstore_bytes
      WHEN NEW.state IN ('exported', 'verified', 'dropped', 'rehydrated') THEN NEW.archive_bytes
    END,
    coalesce(
      nullif(current_setting('coldstream.seconds', true), '')::double precision,
      date_part('epoch', clock_timestamp() - transaction_timestamp())
    )
  );
  RETURN NULL;
END;
$$;
