-- audience: internal
-- Keeps the heads and the ledger true through a plain INSERT into messages, which Message DB allows, and
-- returns the row's global position. The write functions do this work themselves and do not come here
-- (see the trigger's condition).
--
-- A position or an id that exists is refused as Message DB's unique indexes refuse it. A row without a
-- global position has the column's default, the least number there is, and gets one under the
-- category's lock, because a reader of the category relies on global positions being handed out in the
-- order of commit.
--
-- Here is only what nearly every row needs, and nothing that looks into messages: a plan over all
-- chunks costs the more the more there are, even where it is not run.
CREATE OR REPLACE FUNCTION @extschema@.admit_message(
  stream_name text,
  "position" bigint,
  global_position bigint,
  id uuid,
  "time" timestamptz,
  chunk oid
)
RETURNS bigint
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
  _global_position bigint := $3;
  _is_given constant boolean := $3 <> -9223372036854775808;
  _head @extschema@.streams;
BEGIN
  IF num_nulls($1, $2, $3, $4, $5) > 0 THEN
    RETURN $3;
  END IF;

  IF $5 > clock_timestamp() OR $5 < '0100-01-01 00:00:00+00' THEN
    PERFORM @extschema@.check_time($1, $5);
  END IF;
  -- A row of the table itself: it has no chunks.
  IF $6 = '@extschema@.messages'::regclass THEN
    PERFORM @extschema@.check_whole();
  END IF;
  -- Only a chunk without a row can be new. Nothing that the session could set tells which were looked at.
  IF pg_relation_size($6) = 0 THEN
    PERFORM @extschema@.check_new_chunks($6);
  END IF;

  -- Before the category's lock: a writer that gives positions waits for others that do, and then for the rest.
  IF _is_given THEN
    PERFORM pg_advisory_xact_lock(hashtext('@extschema_name@.global_position'), 0);
  END IF;
  PERFORM @extschema@.acquire_lock($1);

  SELECT s.* INTO _head FROM @extschema@.streams AS s
  WHERE md5(s.stream_name)::uuid = md5($1)::uuid AND s.stream_name = $1;
  IF $2 <= _head.position THEN
    PERFORM @extschema@.check_position($1, $2, _head.first_time, _head.time);
  END IF;

  INSERT INTO @extschema@.streams AS s (stream_name, position, first_time, time, time_ordered)
  VALUES ($1, $2, $5, $5, true)
  ON CONFLICT ((md5(stream_name)::uuid)) DO UPDATE
    SET position = greatest(s.position, $2),
      first_time = least(s.first_time, $5),
      time = greatest(s.time, $5),
      time_ordered = s.time_ordered AND $2 > s.position AND $5 >= s.time
    WHERE s.stream_name = $1;
  IF NOT FOUND THEN
    PERFORM @extschema@.raise_wrong_version($1, NULL);
  END IF;

  -- After the head has moved, as in the write functions: see claim_global_position.
  IF _is_given THEN
    PERFORM @extschema@.claim_global_position($3);
  ELSE
    _global_position := nextval('@extschema@.messages_global_position_seq');
  END IF;

  INSERT INTO @extschema@.recent_ids (id, global_position) VALUES ($4, _global_position);

  IF ($5 < to_timestamp(
    least(pg_sequence_last_value('@extschema@.closed_before') # @extschema@.store_token(), 9000000000000)
  )) IS NOT FALSE THEN
    PERFORM @extschema@.admit_time($5);
  END IF;

  RETURN _global_position;
END;
$$;
