-- After ranges were restored: no write gives a global position again that the archive has.
CREATE OR REPLACE FUNCTION @extschema@.finish_restore()
RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  PERFORM @extschema@.lifecycle_lock();
  PERFORM pg_catalog.setval('@extschema@.messages_global_position_seq', a.last)
  FROM (
    SELECT pg_catalog.max(c.last_global_position) AS last
    FROM @extschema@.chunks AS c
    WHERE c.state = 'dropped'
  ) AS a, @extschema@.messages_global_position_seq AS s
  WHERE a.last >= s.last_value;
  PERFORM @extschema@.sync_store();
END;
$$;
