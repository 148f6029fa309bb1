-- audience: part
-- Waits until the last position that was drawn is another one, or the time is over: gives it, 0 before the
-- first. What is drawn is not visible yet; see new_messages.
--
-- The wait is here and not with the client, because a look at the sequence costs microseconds, and a question
-- and its answer a hundred. It holds a snapshot, so it must be short: what every table of the database has of
-- dead rows stays meanwhile. A standby does not show each position, and says so: NULL.
CREATE OR REPLACE FUNCTION @extschema@.await_position(last bigint, seconds double precision)
RETURNS bigint
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  _until constant timestamptz := clock_timestamp() + make_interval(secs => $2);
  _slept text;
BEGIN
  IF pg_is_in_recovery() THEN
    RETURN NULL;
  END IF;
  -- Expressions alone, which PL/pgSQL evaluates without a query of its own.
  WHILE coalesce(pg_sequence_last_value('@extschema@.messages_global_position_seq'), 0) = $1
    AND clock_timestamp() < _until
  LOOP
    _slept := pg_sleep(least(0.002, $2))::text;
  END LOOP;
  RETURN coalesce(pg_sequence_last_value('@extschema@.messages_global_position_seq'), 0);
END;
$$;
