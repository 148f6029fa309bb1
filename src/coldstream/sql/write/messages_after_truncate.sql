-- audience: internal
-- Keeps the heads and the ledger true through TRUNCATE. Refused once a part of the history is on its way
-- into the archive: with RESTART IDENTITY its positions would be handed out a second time, and the next
-- export would take the place of what is there.
CREATE OR REPLACE FUNCTION @extschema@.messages_after_truncate()
RETURNS trigger
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  IF EXISTS (
    SELECT FROM @extschema@.chunks AS c WHERE c.state NOT IN ('open', 'closed', 'compressed')
  ) THEN
    RAISE EXCEPTION 'Cannot truncate messages: part of the history is sealed or archived'
      USING
        ERRCODE = 'object_not_in_prerequisite_state',
        HINT = 'Install a new store into another schema instead.';
  END IF;

  TRUNCATE @extschema@.streams, @extschema@.recent_ids, @extschema@.chunk_categories,
    @extschema@.archive_files, @extschema@.chunks, @extschema@.stream_marks, @extschema@.transitions,
    @extschema@.copied;
  PERFORM @extschema@.let_writers_in();
  UPDATE @extschema@.store
  SET closed_before = '-infinity', rows_since = '-infinity', ids_from = 0, left_before = '-infinity';
  RETURN NULL;
END;
$$;
