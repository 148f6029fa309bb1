-- audience: internal; needs timescale
-- open -> closed: records the exact ranges of a chunk whose range of time has ended.
--
-- SHARE waits for writers that are still at work in the chunk and keeps new ones out until this
-- transaction ends; those then find it closed and open it again (admit_time). Without the lock a
-- message that commits after the look would be outside every recorded range, and never read.
--
-- A closed chunk vouches for all time before its end: what is older and not in the ledger is not
-- looked for. So the lock on messages comes first. It waits for whoever is making a chunk, which
-- cannot be seen yet, and whoever makes one afterwards sees this chunk closed. ONLY: without it every chunk
-- would be locked too, each a chance to wait in a circle with whoever compresses one.
CREATE OR REPLACE FUNCTION @extschema@.close_range(range_start timestamptz)
RETURNS @extschema@.chunks
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
  _chunk record;
  _other record;
  _row @extschema@.chunks;
  _name text;
BEGIN
  SELECT c.* INTO _row FROM @extschema@.chunks AS c WHERE c.range_start = $1;
  IF _row.state <> 'open' THEN
    RETURN _row;
  END IF;

  SELECT h.* INTO _chunk FROM @extschema@.hypertable_chunks() AS h WHERE h.range_start = $1;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'No chunk of messages starts at %', $1 USING ERRCODE = 'no_data_found';
  ELSIF _chunk.range_end > clock_timestamp() THEN
    RAISE EXCEPTION 'The range of the chunk has not ended: %', _chunk.range_end
      USING ERRCODE = 'object_not_in_prerequisite_state';
  END IF;

  PERFORM @extschema@.check_rows_visible();
  LOCK TABLE ONLY @extschema@.messages IN SHARE UPDATE EXCLUSIVE MODE;
  -- Two rows of the ledger for one message would give it twice.
  SELECT c.range_start, c.range_end, c.state INTO _other FROM @extschema@.chunks AS c
  WHERE c.state <> 'dropped' AND tstzrange(c.range_start, c.range_end) && tstzrange($1, _chunk.range_end)
    AND (c.range_start, c.range_end) <> ($1, _chunk.range_end)
  LIMIT 1;
  IF FOUND THEN
    RAISE EXCEPTION 'The chunk of % to % was split or merged: the ledger has % to % (%)',
      $1, _chunk.range_end, _other.range_start, _other.range_end, _other.state
      USING ERRCODE = 'object_not_in_prerequisite_state',
        HINT = 'CALL @extschema@.close_ended_chunks(), then run this again. Where it stays so, bring the '
          'chunk back to its range with TimescaleDB''s merge_chunks or split_chunk.';
  END IF;
  _name := @extschema@.qualified_name(_chunk.chunk);
  _row := @extschema@.lock_range($1, 'SHARE');
  IF _row.state <> 'open' THEN
    RETURN _row;
  END IF;

  INSERT INTO @extschema@.chunks (range_start, range_end, chunk_name, state)
  VALUES ($1, _chunk.range_end, _name, 'open')
  ON CONFLICT (range_start) DO NOTHING;

  PERFORM @extschema@.mark_streams($1, _chunk.range_end);
  _row := @extschema@.count_range(
    $1,
    CASE WHEN _chunk.is_compressed THEN 'compressed' ELSE 'closed' END,
    coalesce(_row.row_bytes, pg_total_relation_size(_chunk.chunk))
  );

  PERFORM @extschema@.sync_store();
  RETURN _row;
END;
$$;
