-- Moves a stream's head by a number of messages: returns the position and the time of the first.
--
-- The time never goes back inside a stream, whatever the clock does: clock_timestamp(), not now(),
-- because a transaction that waited for the lock began before the one it waited for.
-- Called by the write functions only, which have set the search path.
CREATE OR REPLACE FUNCTION @extschema@.advance_head(
  stream_name text,
  messages bigint,
  expected_version bigint,
  OUT "position" bigint,
  OUT "time" timestamptz
)
RETURNS record
LANGUAGE plpgsql VOLATILE
AS $$
#variable_conflict use_column
DECLARE
  _last bigint;
BEGIN
  IF $1 IS NULL AND coalesce($3, -1) = -1 THEN
    -- No such stream, and no such head: the caller refuses it, after what Message DB refuses first.
    RETURN;
  ELSIF $3 IS NULL THEN
    INSERT INTO @extschema@.streams AS s (stream_name, position, first_time, time)
    VALUES ($1, $2 - 1, clock_timestamp(), clock_timestamp())
    ON CONFLICT (stream_name) DO UPDATE
      SET position = s.position + $2, time = greatest(clock_timestamp(), s.time)
    RETURNING s.position, s.time INTO _last, advance_head.time;
  ELSIF $3 = -1 THEN
    INSERT INTO @extschema@.streams AS s (stream_name, position, first_time, time)
    VALUES ($1, $2 - 1, clock_timestamp(), clock_timestamp())
    ON CONFLICT (stream_name) DO NOTHING
    RETURNING s.position, s.time INTO _last, advance_head.time;
  ELSE
    UPDATE @extschema@.streams AS s
    SET position = s.position + $2, time = greatest(clock_timestamp(), s.time)
    WHERE s.stream_name = $1 AND s.position = $3
    RETURNING s.position, s.time INTO _last, advance_head.time;
  END IF;

  IF _last IS NULL THEN
    RAISE EXCEPTION 'Wrong expected version: % (Stream: %, Stream Version: %)',
      $3, $1, coalesce(@extschema@.stream_version($1), -1);
  END IF;

  advance_head.position := _last - $2 + 1;
END;
$$;
