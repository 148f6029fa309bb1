-- audience: internal; needs timescale
-- This database writes to the archive from now on, under this token. Before the object that says so
-- there: a run that is killed in between makes up for it.
CREATE OR REPLACE FUNCTION @extschema@.record_claim(archive_url text, number bigint, token uuid)
RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
  PERFORM @extschema@.lifecycle_lock();
  INSERT INTO @extschema@.incarnation (system_identifier, database, tables)
  SELECT p.system_identifier, p.database, p.tables FROM @extschema@.place_of_store() AS p
  ON CONFLICT DO NOTHING;
  UPDATE @extschema@.incarnation AS i
  SET system_identifier = p.system_identifier, database = p.database, tables = p.tables,
    written_by = pg_current_xact_id()::xid, archive_url = $1, number = $2, token = $3,
    previous_token = CASE WHEN i.archive_url = $1 THEN i.token END
  FROM @extschema@.place_of_store() AS p;
END;
$$;
