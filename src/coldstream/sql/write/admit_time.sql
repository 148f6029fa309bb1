-- audience: internal
-- Keeps the ledger true after a message with this time went into this chunk.
--
-- Nearly every message is newer than every closed chunk, and this returns at once. A late one opens
-- its chunk again, so that its recorded ranges are no longer believed; a late one for a chunk that
-- has been sealed is refused, because what was exported from it would no longer be all of it.
--
-- Where the sequence that is looked at first has no value, or another store's, this is where a write is
-- refused (check_whole).
--
-- Call it after the INSERT: then this transaction holds the chunk's lock, and close_range, which
-- waits for that lock, sees the message. Under REPEATABLE READ the row of the store is locked too,
-- or a closing that this snapshot cannot see would go unnoticed.
CREATE OR REPLACE FUNCTION @extschema@.admit_time("time" timestamptz)
RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
  _closed_before timestamptz;
  _chunk @extschema@.chunks;
  _filenode oid;
BEGIN
  PERFORM @extschema@.check_whole();

  IF pg_catalog.left(pg_catalog.current_setting('transaction_isolation'), 4) = 'read' THEN
    SELECT s.closed_before INTO _closed_before FROM @extschema@.store AS s;
  ELSE
    SELECT s.closed_before INTO _closed_before FROM @extschema@.store AS s FOR SHARE;
  END IF;

  IF $1 >= _closed_before THEN
    RETURN;
  END IF;

  SELECT c.* INTO _chunk FROM @extschema@.chunks AS c
  WHERE c.range_start <= $1 AND c.range_end > $1
  ORDER BY c.range_start DESC
  LIMIT 1
  FOR UPDATE;

  IF NOT FOUND THEN
    INSERT INTO @extschema@.chunks (range_start, range_end, chunk_name, state)
    SELECT @extschema@.open_range_start(h.range_start, h.range_end), h.range_end,
      @extschema@.qualified_name(h.chunk), 'open'
    FROM @extschema@.hypertable_chunks() AS h
    WHERE h.range_start <= $1 AND h.range_end > $1
    ON CONFLICT DO NOTHING;
    IF NOT FOUND AND NOT EXISTS (
      SELECT FROM @extschema@.chunks AS c
      WHERE c.range_start <= $1 AND c.range_end > $1 AND c.state <> 'dropped'
    ) THEN
      RAISE EXCEPTION 'Message is too late: the chunk of % reaches over ranges that have left the database', $1
        USING
          ERRCODE = 'CS005',
          HINT = 'The chunk interval was made longer. Make the one of this time first: '
            'SELECT @extschema@.make_chunk_at(...).';
    END IF;
  ELSIF _chunk.state IN ('open', 'closed', 'compressed') THEN
    _filenode := pg_relation_filenode(to_regclass(_chunk.chunk_name));
    IF _chunk.messages > 0 AND _chunk.filenode IS DISTINCT FROM _filenode THEN
      PERFORM @extschema@.check_not_emptied(_chunk.chunk_name);
      UPDATE @extschema@.chunks SET filenode = _filenode WHERE range_start = _chunk.range_start;
    END IF;
    IF _chunk.state <> 'open' THEN
      UPDATE @extschema@.chunks SET state = 'open', closed_at = NULL
      WHERE range_start = _chunk.range_start;
    END IF;
  ELSE
    RAISE EXCEPTION 'Message is too late: % is in the range % to %, which is %',
      $1, _chunk.range_start, _chunk.range_end, _chunk.state
      USING
        ERRCODE = 'CS005',
        HINT = 'History that has been sealed or archived does not change. '
          'Is the clock of the server or of the importing script right?';
  END IF;
END;
$$;
