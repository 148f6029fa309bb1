-- audience: internal; needs timescale
-- Makes TimescaleDB's compression policy the store's; returns what was done. The policy stands behind
-- compress_ended_chunks, which looks every hour.
CREATE OR REPLACE FUNCTION @extschema@.sync_compression_policy()
RETURNS SETOF text
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  _store @extschema@.store;
  _policy interval;
BEGIN
  SELECT s.* INTO _store FROM @extschema@.store AS s;
  IF NOT _store.columnstore THEN
    RETURN;
  END IF;

  SELECT (j.config ->> 'compress_after')::interval INTO _policy
  FROM timescaledb_information.jobs AS j
  WHERE j.proc_name = 'policy_compression'
    AND j.hypertable_schema = '@extschema_name@' AND j.hypertable_name = 'messages';
  IF _policy IS NOT DISTINCT FROM _store.compress_after THEN
    RETURN;
  END IF;

  PERFORM @extschema:timescaledb@.remove_compression_policy('@extschema@.messages', if_exists => true);
  IF _store.compress_after IS NULL THEN
    RETURN NEXT 'chunks are not compressed by themselves';
  ELSE
    PERFORM @extschema:timescaledb@.add_compression_policy(
      '@extschema@.messages', _store.compress_after, schedule_interval => INTERVAL '12 hours'
    );
    RETURN NEXT pg_catalog.format(
      'chunks older than %s are compressed every hour', _store.compress_after
    );
  END IF;
END;
$$;
