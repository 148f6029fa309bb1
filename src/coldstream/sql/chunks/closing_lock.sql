-- audience: internal; needs timescale
-- Until the transaction ends nobody else closes, compresses or drops chunks: see lifecycle_lock. False
-- where somebody is at it.
CREATE OR REPLACE FUNCTION @extschema@.closing_lock()
RETURNS boolean
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  RETURN pg_try_advisory_xact_lock(1129271877, '@extschema@.messages'::regclass::oid::integer);
END;
$$;
