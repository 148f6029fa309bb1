-- audience: internal
-- Refuses a write to a stream whose last message is too far ahead of the clock: every later message
-- would get that same time, and land in a chunk of the future.
CREATE OR REPLACE FUNCTION @extschema@.check_clock(stream_name text, "time" timestamptz)
RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  IF $2 > clock_timestamp() + (SELECT s.max_clock_lead FROM @extschema@.store AS s) THEN
    RAISE EXCEPTION 'Clock is behind the stream: % (Stream Time: %, Clock: %)',
      $1, $2, clock_timestamp()
      USING
        ERRCODE = 'CS004',
        HINT = 'Set the server''s clock right; if it is, see max_clock_lead in the store table.';
  END IF;
END;
$$;
