-- audience: internal; needs timescale
-- After ranges were restored: no write gives a global position again that the archive has, and writers are
-- let in.
CREATE OR REPLACE FUNCTION @extschema@.finish_restore()
RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  PERFORM @extschema@.lifecycle_lock();
  PERFORM @extschema@.lift_sequence(max(c.last_global_position)) FROM @extschema@.chunks AS c
  WHERE c.state = 'dropped';
  PERFORM @extschema@.sync_store();
  UPDATE @extschema@.incarnation SET is_behind = false, written_by = pg_current_xact_id()::xid
  WHERE is_behind;
  PERFORM @extschema@.let_writers_in();
END;
$$;
