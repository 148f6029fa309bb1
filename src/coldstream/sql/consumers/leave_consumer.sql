-- audience: application
-- Says that a process works for a consumer no longer: its members are free at once.
CREATE OR REPLACE FUNCTION @extschema@.leave_consumer(consumer text, owner text)
RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  UPDATE @extschema@.consumers AS c SET owner = NULL, lease_until = NULL
  WHERE c.consumer = $1 AND c.owner = $2;
  DELETE FROM @extschema@.consumer_owners AS o WHERE o.consumer = $1 AND o.owner = $2;
END;
$$;
