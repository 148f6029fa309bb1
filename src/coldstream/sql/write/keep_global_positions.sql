-- audience: internal
-- Makes room for global positions that come from another store, which readers of it remember. All of
-- them must be beyond the last one that was handed out here, so nobody has them.
--
-- A sequence does not roll back: after an import that was killed it is ahead of the last message. So where it
-- has passed the first of them, what counts is the greatest position that a message has.
--
-- Writers move a head before they draw: the lock lets those end that have, and keeps others waiting until
-- the sequence has passed, so that it is not set back behind what somebody draws meanwhile.
CREATE OR REPLACE FUNCTION @extschema@.keep_global_positions(global_positions bigint[])
RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
  _drawn bigint;
  _last bigint;
  _range tstzrange;
  _greatest bigint;
BEGIN
  LOCK TABLE @extschema@.streams IN SHARE MODE;
  _drawn := coalesce(pg_sequence_last_value('@extschema@.messages_global_position_seq'), 0);
  _last := _drawn;
  IF $1[1] <= _drawn THEN
    SELECT coalesce(max(c.last_global_position), 0) INTO _last FROM @extschema@.chunks AS c;
    FOR _range IN
      SELECT unnest((@extschema@.open_ranges(s.closed_before)).ranges) FROM @extschema@.store AS s
    LOOP
      -- Planned for the chunks of this range, not for all there are.
      EXECUTE
        'SELECT max(m.global_position) FROM @extschema@.messages AS m WHERE m.time >= $1 AND m.time < $2'
        INTO _greatest USING lower(_range), upper(_range);
      _last := greatest(_last, _greatest);
    END LOOP;
  END IF;
  IF $1[1] <= _last OR array_position($1, NULL) IS NOT NULL OR EXISTS (
    SELECT FROM (
      SELECT u.number <= lag(u.number) OVER (ORDER BY u.place) AS is_wrong
      FROM unnest($1) WITH ORDINALITY AS u (number, place)
    ) AS o
    WHERE o.is_wrong
  ) THEN
    RAISE EXCEPTION 'Global positions that are kept must go up from beyond the last one, %', _last
      USING
        ERRCODE = 'invalid_parameter_value',
        HINT = 'Import in the order of global positions, into a store that has none of them yet.';
  END IF;
  PERFORM setval('@extschema@.messages_global_position_seq', greatest(_drawn, $1[cardinality($1)]));
END;
$$;
