-- audience: internal
-- Ends a copy: its global positions go on above the source's, and writers are let in. last_global_position:
-- the last one that the source handed out, or NULL; positions that it gave to nobody stay gaps.
CREATE OR REPLACE FUNCTION @extschema@.open_copied(last_global_position bigint)
RETURNS @extschema@.copied
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
  _copied @extschema@.copied;
  _chunk record;
BEGIN
  SELECT c.* INTO _copied FROM @extschema@.copied AS c FOR UPDATE;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'The store is no copy of a Message DB' USING ERRCODE = 'CS008';
  ELSIF _copied.opened_at IS NOT NULL THEN
    RETURN _copied;
  END IF;
  PERFORM @extschema@.lift_sequence(greatest($1, _copied.last_global_position));

  -- Ids are unique in all that is in row form. What is older than what the copy brought ids for is there
  -- only where a chunk could not be compressed yet.
  FOR _chunk IN
    SELECT h.range_start, least(h.range_end, _copied.ids_since) AS range_end
    FROM @extschema@.hypertable_chunks() AS h
    WHERE NOT h.is_compressed AND h.range_start < _copied.ids_since
  LOOP
    EXECUTE 'INSERT INTO @extschema@.recent_ids (id, global_position)
      SELECT m.id, m.global_position FROM @extschema@.messages AS m WHERE m.time >= $1 AND m.time < $2
      ON CONFLICT DO NOTHING'
    USING _chunk.range_start, _chunk.range_end;
  END LOOP;
  UPDATE @extschema@.store AS s
  SET ids_from = coalesce(
    (SELECT max(c.last_global_position) + 1 FROM @extschema@.chunks AS c WHERE c.state <> 'open'), 0
  );

  UPDATE @extschema@.copied AS c
  SET opened_at = clock_timestamp(),
    opened_after = pg_sequence_last_value('@extschema@.messages_global_position_seq')
  RETURNING * INTO _copied;
  PERFORM @extschema@.let_writers_in();
  RETURN _copied;
END;
$$;
