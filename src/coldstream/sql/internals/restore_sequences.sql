-- Sets the sequences of a store that was copied without them (logical replication, a dump of its tables
-- alone): the first value of each is after all that is there. Returns whether that was so.
CREATE OR REPLACE FUNCTION @extschema@.restore_sequences()
RETURNS boolean
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  IF pg_sequence_last_value('@extschema@.closed_before') IS NOT NULL
    OR NOT EXISTS (SELECT FROM @extschema@.store)
  THEN
    RETURN false;
  END IF;

  PERFORM @extschema@.lift_sequence(
    greatest(
      (SELECT max(m.global_position) FROM @extschema@.messages AS m),
      (SELECT max(c.last_global_position) FROM @extschema@.chunks AS c)
    )
  );
  PERFORM setval(pg_get_serial_sequence('@extschema@.transitions', 'id'), max(t.id))
  FROM @extschema@.transitions AS t;
  PERFORM setval(pg_get_serial_sequence('@extschema@.consumer_failures', 'id'), max(f.id))
  FROM @extschema@.consumer_failures AS f;
  -- The last: until then nobody writes.
  PERFORM setval(
    '@extschema@.closed_before',
    coalesce(
      ceil(date_part('epoch', nullif(s.closed_before, timestamptz '-infinity')))::bigint, -62135596800
    )
  )
  FROM @extschema@.store AS s;
  RETURN true;
END;
$$;
