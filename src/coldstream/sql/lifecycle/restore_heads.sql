-- Brings the heads of streams up to what one restored range holds of them: without it a stream would
-- begin anew, and its positions repeat. Ranges come in the order of time. A head that knows the range
-- is left as it is; a message that is in the database and in the archive is refused.
CREATE OR REPLACE FUNCTION @extschema@.restore_heads(
  stream_names text[],
  first_positions bigint[],
  last_positions bigint[],
  first_times timestamptz[],
  last_times timestamptz[],
  in_order boolean[]
)
RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
  _taken record;
BEGIN
  SELECT u.stream_name, u.first_position, u.last_position INTO _taken
  FROM unnest($1, $2, $3, $4, $5)
    AS u (stream_name, first_position, last_position, first_time, last_time)
  JOIN @extschema@.streams AS h
    ON md5(h.stream_name)::uuid = md5(u.stream_name)::uuid
  WHERE h.stream_name <> u.stream_name
    OR (h.time >= u.last_time AND (h.position < u.last_position OR h.first_time > u.first_time))
    OR EXISTS (
      SELECT FROM @extschema@.messages AS m
      WHERE m.stream_name = u.stream_name AND m.position BETWEEN u.first_position AND u.last_position
    )
  LIMIT 1;
  IF FOUND THEN
    RAISE EXCEPTION 'The stream % has positions % to % in the archive, and others in the database',
      _taken.stream_name, _taken.first_position, _taken.last_position
      USING ERRCODE = 'object_not_in_prerequisite_state', HINT = 'Nothing was changed.';
  END IF;

  INSERT INTO @extschema@.streams AS h (stream_name, position, first_time, time, time_ordered)
  SELECT u.stream_name, u.last_position, u.first_time, u.last_time, u.in_order
  FROM unnest($1, $2, $3, $4, $5, $6)
    AS u (stream_name, first_position, last_position, first_time, last_time, in_order)
  ON CONFLICT ((md5(stream_name)::uuid)) DO UPDATE
    SET position = greatest(h.position, excluded.position),
      first_time = least(h.first_time, excluded.first_time),
      time = excluded.time,
      time_ordered = h.time_ordered AND excluded.time_ordered AND NOT EXISTS (
        SELECT FROM unnest($1, $2) AS u (stream_name, first_position)
        WHERE u.stream_name = h.stream_name AND u.first_position <= h.position
      )
    WHERE h.time < excluded.time;
END;
$$;
