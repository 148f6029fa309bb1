-- audience: application
-- Records that a member of a consumer, which was at from_position, has handled everything before a
-- position. In the transaction that holds what handling did, both are there or neither is. False: the
-- member is not this process's any more (see renew_consumer_leases), or is elsewhere, because a commit
-- whose answer was lost did happen. The transaction must be rolled back then.
CREATE OR REPLACE FUNCTION @extschema@.record_consumer_position(
  consumer text,
  member integer,
  token bigint,
  from_position bigint,
  "position" bigint
)
RETURNS boolean
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  UPDATE @extschema@.consumers AS c
  SET position = $5, recorded_at = clock_timestamp()
  WHERE c.consumer = $1 AND c.member = $2 AND c.token = $3 AND c.position = $4;
  RETURN FOUND;
END;
$$;
