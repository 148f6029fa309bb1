-- audience: application
-- Forgets a consumer and its positions; what is recorded of its failures stays. Refused while somebody
-- works for it, who would begin anew. Returns how many members there were.
CREATE OR REPLACE FUNCTION @extschema@.delete_consumer(consumer text)
RETURNS integer
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  _count integer;
BEGIN
  IF EXISTS (
    SELECT FROM @extschema@.consumer_owners AS o
    WHERE o.consumer = $1 AND o.expires_at > clock_timestamp()
  ) THEN
    RAISE EXCEPTION 'Consumer % is running', $1
      USING ERRCODE = 'CS010', HINT = 'Stop the processes that work for it first.';
  END IF;
  DELETE FROM @extschema@.consumer_owners AS o WHERE o.consumer = $1;
  DELETE FROM @extschema@.consumers AS c WHERE c.consumer = $1;
  GET DIAGNOSTICS _count = ROW_COUNT;
  IF _count = 0 THEN
    RAISE EXCEPTION 'No consumer of this name: %', $1
      USING ERRCODE = 'CS010', HINT = 'List them with get_consumers.';
  END IF;
  RETURN _count;
END;
$$;
