-- audience: internal
-- Before messages are copied from a Message DB: which one it is, and no write is let in until all of it is
-- here. The first message tells one source from another. A copy that was begun goes on; the row says how far
-- it is. The store has to be empty before the first one.
CREATE OR REPLACE FUNCTION @extschema@.begin_copy(
  source text,
  first_global_position bigint,
  first_id uuid,
  time_from timestamptz,
  time_to timestamptz,
  clamped_to bigint,
  source_messages bigint,
  step_messages integer
)
RETURNS @extschema@.copied
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
  _copied @extschema@.copied;
BEGIN
  PERFORM @extschema@.check_whole();
  SELECT c.* INTO _copied FROM @extschema@.copied AS c FOR UPDATE;
  IF FOUND THEN
    IF (_copied.first_global_position, _copied.first_id) IS DISTINCT FROM ($2, $3) THEN
      RAISE EXCEPTION 'The store is a copy of another Message DB: %', _copied.source
        USING ERRCODE = 'CS008', HINT = 'Copy this one into a store of its own: coldstream init --schema NAME.';
    END IF;
    IF _copied.time_from IS NULL AND $4 IS NOT NULL THEN
      UPDATE @extschema@.copied AS c SET time_from = $4, time_to = $5, clamped_to = $6
      RETURNING * INTO _copied;
    END IF;
    RETURN _copied;
  END IF;

  PERFORM @extschema@.keep_writers_out();
  IF EXISTS (SELECT FROM @extschema@.streams)
    OR EXISTS (SELECT FROM @extschema@.chunks AS c WHERE c.messages > 0)
    OR pg_sequence_last_value('@extschema@.messages_global_position_seq') >= $2
  THEN
    RAISE EXCEPTION 'The store is not empty, and is no copy of this Message DB'
      USING ERRCODE = 'CS008', HINT = 'Copy into a new store: coldstream init --schema NAME.';
  END IF;
  UPDATE @extschema@.store SET ids_from = 9223372036854775807;
  INSERT INTO @extschema@.copied
    (source, first_global_position, first_id, time_from, time_to, clamped_to, source_messages,
    step_messages, ids_since)
  SELECT $1, $2, $3, $4, $5, $6, $7, $8,
    CASE WHEN s.columnstore THEN clock_timestamp() - s.chunk_interval ELSE '-infinity' END
  FROM @extschema@.store AS s
  RETURNING * INTO _copied;
  RETURN _copied;
END;
$$;
