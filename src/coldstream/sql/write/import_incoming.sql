-- audience: internal
-- Brings the messages of the session's incoming table into a store that others write to. Returns their global
-- positions, in order: new ones, where the table has the numbers 1, 2, 3 ... for them; or with keep those that
-- they have.
--
-- As for a write, the category locks come first; a position or an id that exists is refused as Message
-- DB's unique indexes refuse it; a range that has been sealed is refused, and a time that would stop
-- others; the heads and the ledger stay true. Only a message that is there already, with its position
-- and its id, is left as it is: an import that was broken off is run again as a whole.
CREATE OR REPLACE FUNCTION @extschema@.import_incoming("keep" boolean)
RETURNS bigint[]
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
  _given bigint[];
  _existing bigint[];
  _positions bigint[];
BEGIN
  PERFORM @extschema@.check_time(i.stream_name, i.time)
  FROM pg_temp.coldstream_incoming AS i
  WHERE i.time > clock_timestamp() OR i.time < '0100-01-01 00:00:00+00';

  PERFORM @extschema@.acquire_locks(ARRAY(
    SELECT DISTINCT split_part(i.stream_name, '-', 1)::varchar FROM pg_temp.coldstream_incoming AS i
  ));

  PERFORM @extschema@.raise_exists(
    'messages_stream', format('(stream_name, "position")=(%s, %s)', i.stream_name, i.position)
  )
  FROM pg_temp.coldstream_incoming AS i
  GROUP BY i.stream_name, i.position
  HAVING count(*) > 1
  LIMIT 1;

  -- Heads are looked up one by one: the planner would rather hash all there are, as long as they are
  -- not too many. A stream that only goes on, as nearly every one, costs no look into its chunks.
  IF EXISTS (
    SELECT FROM (
      SELECT i.stream_name, min(i.position) AS position
      FROM pg_temp.coldstream_incoming AS i
      GROUP BY i.stream_name
    ) AS f
    WHERE f.position <= (
      SELECT s.position FROM @extschema@.streams AS s
      WHERE md5(s.stream_name)::uuid = md5(f.stream_name)::uuid AND s.stream_name = f.stream_name
    )
  ) THEN
    _existing := @extschema@.leave_out_imported($1);
  END IF;

  PERFORM @extschema@.move_incoming_heads();

  _given := ARRAY(SELECT i.global_position FROM pg_temp.coldstream_incoming AS i ORDER BY i.global_position);
  IF cardinality(_given) = 0 THEN
    RETURN _existing;
  ELSIF $1 THEN
    PERFORM @extschema@.keep_global_positions(_given);
    _positions := _given;
  ELSE
    -- The heads stand still until they were moved: every writer of theirs needs the lock.
    _positions := ARRAY(
      SELECT nextval('@extschema@.messages_global_position_seq')
      FROM generate_series(1, cardinality(_given))
    );
  END IF;
  PERFORM @extschema@.take_incoming(CASE WHEN NOT $1 THEN _positions END);

  INSERT INTO @extschema@.recent_ids (id, global_position)
  SELECT i.id, CASE WHEN $1 THEN i.global_position ELSE _positions[i.global_position] END
  FROM pg_temp.coldstream_incoming AS i;

  PERFORM @extschema@.admit_incoming();

  IF _existing IS NULL THEN
    RETURN _positions;
  END IF;
  RETURN ARRAY(
    SELECT coalesce(
      u.existing, _positions[count(*) FILTER (WHERE u.existing IS NULL) OVER (ORDER BY u.number)]
    )
    FROM unnest(_existing) WITH ORDINALITY AS u (existing, number)
    ORDER BY u.number
  );
END;
$$;
