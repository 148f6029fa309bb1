-- audience: internal; needs timescale
-- Refuses a chunk that has not exactly the range which the ledger has of it: it was split or merged by
-- hand after it had been sealed.
CREATE OR REPLACE FUNCTION @extschema@.check_chunk_range(range_start timestamptz)
RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
  _row @extschema@.chunks;
  _chunks text;
BEGIN
  SELECT c.* INTO _row FROM @extschema@.chunks AS c WHERE c.range_start = $1;
  SELECT string_agg(format('%s (%s to %s)', h.chunk, h.range_start, h.range_end), ', ')
  INTO _chunks
  FROM @extschema@.hypertable_chunks() AS h
  WHERE h.range_start < _row.range_end AND h.range_end > _row.range_start
  HAVING count(*) <> 1 OR min(h.range_start) <> _row.range_start OR max(h.range_end) <> _row.range_end;
  IF FOUND THEN
    RAISE EXCEPTION 'The chunk of % to % was split or merged while it was %: now there is %',
      _row.range_start, _row.range_end, _row.state, coalesce(_chunks, 'none')
      USING
        ERRCODE = 'object_not_in_prerequisite_state',
        HINT = 'Bring it back to its range with TimescaleDB''s merge_chunks or split_chunk.';
  END IF;
END;
$$;
