-- audience: application
-- Gives a member of a consumer up: who waits for it need not wait for the lease to end.
CREATE OR REPLACE FUNCTION @extschema@.release_consumer_lease(
  consumer text,
  member integer,
  token bigint
)
RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  UPDATE @extschema@.consumers AS c SET owner = NULL, lease_until = NULL
  WHERE c.consumer = $1 AND c.member = $2 AND c.token = $3;
END;
$$;
