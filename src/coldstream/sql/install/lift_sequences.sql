-- audience: part
-- Brings each sequence of the store forward to the last value that a row has, where it is behind: its next
-- values are those of rows that exist, and a global position would be given twice. A copy of a template
-- database leaves one behind that crashes, or is restored to a time, before its first checkpoint (seen on
-- PostgreSQL 15), and so does whoever sets one back. Returns whether any was. A store that was copied
-- without its sequences is not meant (check_whole, restore_sequences).
--
-- Whoever opens the store calls this, and is not kept by a lock on the tables: then the next one looks.
CREATE OR REPLACE FUNCTION @extschema@.lift_sequences()
RETURNS boolean
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET lock_timeout = '100ms'
AS $$
DECLARE
  -- Up to here values are drawn, which no other session can undo or draw too. What is further behind is
  -- set: meanwhile nobody gets past it.
  _drawn constant bigint := 10000;
  _sequence regclass;
  _given bigint;
  _last bigint;
  _behind bigint;
  _range tstzrange;
  _is_behind boolean := false;
BEGIN
  IF current_setting('transaction_read_only') = 'on'
    OR pg_sequence_last_value('@extschema@.closed_before') IS NULL
  THEN
    RETURN false;
  END IF;

  LOCK TABLE ONLY @extschema@.messages IN ACCESS SHARE MODE NOWAIT;
  FOREACH _sequence IN ARRAY ARRAY[
    '@extschema@.messages_global_position_seq',
    pg_get_serial_sequence('@extschema@.transitions', 'id'),
    pg_get_serial_sequence('@extschema@.consumer_failures', 'id')
  ]::regclass[] LOOP
    _given := coalesce(pg_sequence_last_value(_sequence), 0);
    CASE _sequence
      WHEN '@extschema@.messages_global_position_seq'::regclass THEN
        SELECT max(c.last_global_position) INTO _last FROM @extschema@.chunks AS c;
        FOR _range IN
          SELECT unnest((@extschema@.open_ranges(s.closed_before)).ranges) FROM @extschema@.store AS s
        LOOP
          -- Planned for the chunks of this range, not for all there are; and only for what is beyond the
          -- sequence, which is nothing nearly always: a chunk in the columnstore unpacks no batch for it.
          EXECUTE
            'SELECT greatest($1, max(m.global_position)) FROM @extschema@.messages AS m
             WHERE m.time >= $2 AND m.time < $3 AND m.global_position > $4'
            INTO _last USING _last, lower(_range), upper(_range), _given;
        END LOOP;
      WHEN pg_get_serial_sequence('@extschema@.transitions', 'id')::regclass THEN
        SELECT max(t.id) INTO _last FROM @extschema@.transitions AS t;
      ELSE
        SELECT max(f.id) INTO _last FROM @extschema@.consumer_failures AS f;
    END CASE;

    -- Read after the rows: what they have was drawn before.
    _behind := _last - coalesce(pg_sequence_last_value(_sequence), 0);
    IF _behind > 0 THEN
      _is_behind := true;
      IF _behind > _drawn THEN
        PERFORM setval(_sequence, _last);
      ELSE
        PERFORM nextval(_sequence) FROM generate_series(1, _behind);
      END IF;
    END IF;
  END LOOP;
  RETURN _is_behind;
EXCEPTION
  WHEN lock_not_available THEN
    RETURN false;
END;
$$;
