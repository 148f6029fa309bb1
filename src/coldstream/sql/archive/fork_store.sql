-- audience: internal; needs timescale
-- Makes this database a store of its own: from here on it and the one it was copied from are two
-- histories. What was archived until now is read where it is, for the ledger keeps the URL of each range.
CREATE OR REPLACE FUNCTION @extschema@.fork_store(id uuid, archive_url text)
RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
  PERFORM @extschema@.lifecycle_lock();
  UPDATE @extschema@.store SET id = $1, archive_url = $2, archive_epoch = archive_epoch + 1;
  -- What the other one was about to commit says nothing of this one's archive.
  UPDATE @extschema@.chunks SET seen_manifest = NULL, seen_digest = NULL WHERE seen_digest IS NOT NULL;
  INSERT INTO @extschema@.incarnation (system_identifier, database, tables)
  SELECT p.system_identifier, p.database, p.tables FROM @extschema@.place_of_store() AS p
  ON CONFLICT DO NOTHING;
  UPDATE @extschema@.incarnation AS i
  SET system_identifier = p.system_identifier, database = p.database, tables = p.tables,
    written_by = pg_current_xact_id()::xid, archive_url = NULL, number = 0, token = NULL, previous_token = NULL, is_behind = false
  FROM @extschema@.place_of_store() AS p;
  -- What the other one's archive has more is another history's.
  PERFORM @extschema@.let_writers_in();
END;
$$;
