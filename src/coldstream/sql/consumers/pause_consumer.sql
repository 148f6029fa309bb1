-- audience: application
-- Stops a consumer, or (paused false) lets it go on: those who work for it finish the message in hand
-- and wait. Returns how many members there are.
CREATE OR REPLACE FUNCTION @extschema@.pause_consumer(consumer text, paused boolean DEFAULT true)
RETURNS integer
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  _count integer;
BEGIN
  UPDATE @extschema@.consumers AS c SET is_paused = $2 WHERE c.consumer = $1;
  GET DIAGNOSTICS _count = ROW_COUNT;
  IF _count = 0 THEN
    RAISE EXCEPTION 'No consumer of this name: %', $1
      USING ERRCODE = 'CS010', HINT = 'List them with get_consumers.';
  END IF;
  RETURN _count;
END;
$$;
