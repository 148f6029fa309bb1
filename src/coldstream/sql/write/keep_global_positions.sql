-- audience: internal
-- Makes room for global positions that come from another store, which readers of it remember. All of
-- them must be beyond the last one that was handed out here, so nobody has them.
--
-- Writers move a head before they draw: the lock lets those end that have, and keeps others waiting until
-- the sequence has passed, so that it is not set back behind what somebody draws meanwhile.
--
-- setval alone does not roll back: after an import that was killed the sequence would be ahead of the last
-- message, and the same positions be refused the next time. They cannot be taken then, because a consumer may
-- have gone past them. RESTART gives the sequence another file, which goes with the transaction.
CREATE OR REPLACE FUNCTION @extschema@.keep_global_positions(global_positions bigint[])
RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  _last bigint;
BEGIN
  LOCK TABLE @extschema@.streams IN SHARE MODE;
  PERFORM @extschema@.check_ascending($1);
  _last := coalesce(pg_sequence_last_value('@extschema@.messages_global_position_seq'), 0);
  IF $1[1] <= _last THEN
    RAISE EXCEPTION 'Global positions that are kept must go up from beyond the last one, %', _last
      USING
        ERRCODE = 'invalid_parameter_value',
        HINT = 'Import in the order of global positions, into a store that has none of them yet.';
  END IF;
  EXECUTE format(
    'ALTER SEQUENCE @extschema@.messages_global_position_seq RESTART WITH %s', $1[cardinality($1)]
  );
  PERFORM setval('@extschema@.messages_global_position_seq', $1[cardinality($1)]);
END;
$$;
