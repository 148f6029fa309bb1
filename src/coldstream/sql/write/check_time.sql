-- audience: internal
-- Refuses a message's own time that would stop others: one ahead of the clock, because every later
-- message of the stream would get that same time, and one without room for its chunk's range between
-- the years 1 and 9999, which are all that a program has dates for.
CREATE OR REPLACE FUNCTION @extschema@.check_time(stream_name text, "time" timestamptz)
RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  _store @extschema@.store;
BEGIN
  SELECT s.* INTO _store FROM @extschema@.store AS s;
  IF NOT isfinite($2)
    OR $2 < timestamptz '0001-01-02 00:00:00+00' + _store.chunk_interval
    OR $2 > timestamptz '9999-12-30 00:00:00+00' - _store.chunk_interval
  THEN
    RAISE EXCEPTION 'The time of a message must be in the years 1 to 9999: % (Stream: %)', $2, $1
      USING
        ERRCODE = 'datetime_field_overflow',
        HINT = 'With room for the range of its chunk before and after it. '
          'A message that has no time of its own leaves the column out.';
  ELSIF $2 > clock_timestamp() + _store.max_clock_lead THEN
    RAISE EXCEPTION 'The time of a message is ahead of the clock: % (Stream: %, Clock: %)',
      $2, $1, clock_timestamp()
      USING
        ERRCODE = 'CS004',
        HINT = 'A message has the time at which it is written; what is due later belongs into its data. '
          'If the server''s clock is wrong, set it right.';
  END IF;
END;
$$;
