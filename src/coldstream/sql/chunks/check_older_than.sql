-- audience: part; needs timescale
-- Refuses an interval that means the future. A day is 24 hours, whatever the session's time zone does
-- that night.
CREATE OR REPLACE FUNCTION @extschema@.check_older_than(older_than interval)
RETURNS timestamptz
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
SET TimeZone = 'UTC'
AS $$
DECLARE
  _now timestamptz := pg_catalog.clock_timestamp();
BEGIN
  IF $1 IS NULL OR _now - $1 > _now THEN
    RAISE EXCEPTION 'Not an age: %', coalesce($1::text, 'NULL')
      USING
        ERRCODE = 'invalid_parameter_value',
        HINT = 'Give an interval that is not negative, such as INTERVAL ''7 days''.';
  END IF;
  RETURN _now - $1;
END;
$$;
