-- audience: internal
-- Sets the sequences of a store that was copied without them: the first value of each is after all that is
-- there. Logical replication copies none, into a schema that came from a dump or, with all rows instead of
-- its own, into a store that was installed. Returns whether that was so.
CREATE OR REPLACE FUNCTION @extschema@.restore_sequences()
RETURNS boolean
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  IF NOT EXISTS (SELECT FROM @extschema@.store) OR (
    pg_sequence_last_value('@extschema@.closed_before') IS NOT NULL
    AND (
      (SELECT s.token FROM @extschema@.store AS s) = @extschema@.store_token()
      -- Another store's sequences are not what a copy of its rows leaves.
      OR @extschema@.is_mixed(@extschema@.store_token())
    )
  ) THEN
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
    greatest(ceil(date_part('epoch', nullif(s.closed_before, timestamptz '-infinity')))::bigint, 0)
      # @extschema@.store_token()
  )
  FROM @extschema@.store AS s;
  UPDATE @extschema@.store AS s SET token = @extschema@.store_token()
  WHERE s.token <> @extschema@.store_token();
  RETURN true;
END;
$$;
