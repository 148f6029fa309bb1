-- audience: part; needs timescale
-- Refuses to go on beside a TimescaleDB retention policy: it drops chunks that were never exported.
CREATE OR REPLACE FUNCTION @extschema@.check_no_retention_policy()
RETURNS void
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  IF EXISTS (
    SELECT FROM timescaledb_information.jobs AS j
    WHERE j.proc_name = 'policy_retention'
      AND j.hypertable_schema = '@extschema_name@' AND j.hypertable_name = 'messages'
  ) THEN
    RAISE EXCEPTION 'A TimescaleDB retention policy drops chunks of messages, archived or not'
      USING
        ERRCODE = 'CS008',
        HINT = 'SELECT remove_retention_policy(''@extschema@.messages''); '
          'then drop with Coldstream, which drops only what it has verified.';
  END IF;
END;
$$;
