-- audience: internal; needs timescale
-- Brings the ledger back into step with chunks that somebody changed by hand: dropped, detached, renamed,
-- split or merged. It is given the chunks that are there, and called where some row of the ledger that
-- should have a chunk has not exactly its own.
--
-- A chunk that is gone is recorded as dropped: reads that need it then say so, and what was verified before
-- is read from the archive. Nothing is known of one that was never closed.
--
-- Ranges that are others now are forgotten, and begin anew as open chunks: kept beside the new ones they
-- would give messages twice. Not so once a range is sealed: an archive may hold it as it was. Then every
-- row it touches stays, which reads go by, and no step takes the chunk before it has its range again
-- (check_chunk_range). Nor where a compressed chunk was split: TimescaleDB leaves whole batches on one side,
-- and only a look at the whole range finds them.
CREATE OR REPLACE FUNCTION @extschema@.reconcile_chunks(
  chunks regclass[],
  range_starts timestamptz[],
  range_ends timestamptz[]
)
RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
  _row @extschema@.chunks;
  _chunk regclass;
  _touched tstzrange;
  _is_split boolean;
  _is_dropped boolean := false;
BEGIN
  FOR _row IN
    SELECT c.* FROM @extschema@.chunks AS c
    WHERE c.state <> 'dropped' AND NOT EXISTS (
      SELECT FROM unnest($1, $2, $3) AS h (chunk, range_start, range_end)
      WHERE h.chunk = to_regclass(c.chunk_name) AND h.range_start = c.range_start
        AND h.range_end = c.range_end
    )
    ORDER BY c.range_start
    FOR UPDATE
  LOOP
    -- All that the chunks cover which have a share of this range.
    SELECT (array_agg(h.chunk ORDER BY h.range_start))[1],
      tstzrange(min(h.range_start), max(h.range_end)),
      bool_or(h.range_start > _row.range_start OR h.range_end < _row.range_end)
    INTO _chunk, _touched, _is_split
    FROM unnest($1, $2, $3) AS h (chunk, range_start, range_end)
    WHERE h.range_start < _row.range_end AND h.range_end > _row.range_start;

    IF _chunk IS NULL THEN
      -- A transaction that makes it, or drops it, may be newer than what was given.
      CONTINUE WHEN EXISTS (
        SELECT FROM pg_inherits AS i
        WHERE i.inhrelid = to_regclass(_row.chunk_name) AND i.inhparent = '@extschema@.messages'::regclass
      );
      IF _row.state = 'open' AND _row.messages IS NULL THEN
        PERFORM @extschema@.forget_range(_row.range_start);
      ELSE
        UPDATE @extschema@.chunks AS c
        SET state = 'dropped', chunk_name = NULL, filenode = NULL, dropped_at = clock_timestamp()
        WHERE c.range_start = _row.range_start;
        _is_dropped := true;
      END IF;
    ELSIF _touched = tstzrange(_row.range_start, _row.range_end)
      AND _row.state IN ('open', 'closed', 'compressed')
      AND EXISTS (SELECT FROM unnest($2) AS h (range_start) WHERE h.range_start = _row.range_start)
      AND (SELECT count(*) FROM unnest($2) AS h (range_start)
           WHERE h.range_start >= _row.range_start AND h.range_start < _row.range_end) = 1
    THEN
      -- Renamed, or made anew: counted once more, and compared with what was counted before.
      UPDATE @extschema@.chunks AS c
      SET state = 'open', closed_at = NULL, chunk_name = @extschema@.qualified_name(_chunk)
      WHERE c.range_start = _row.range_start;
    ELSIF _row.state IN ('open', 'closed', 'compressed') AND NOT EXISTS (
      SELECT FROM @extschema@.chunks AS c
      WHERE c.state NOT IN ('open', 'closed', 'compressed', 'dropped')
        AND tstzrange(c.range_start, c.range_end) && _touched
    ) AND NOT (_is_split AND EXISTS (
      SELECT FROM unnest($1, $2, $3) AS h (chunk, range_start, range_end)
      WHERE tstzrange(h.range_start, h.range_end) && tstzrange(_row.range_start, _row.range_end)
        AND @extschema@.columnstore_of(h.chunk) IS NOT NULL
    )) THEN
      PERFORM @extschema@.forget_range(_row.range_start);
    ELSIF to_regclass(_row.chunk_name) IS NULL THEN
      UPDATE @extschema@.chunks AS c SET chunk_name = @extschema@.qualified_name(_chunk)
      WHERE c.range_start = _row.range_start;
    END IF;
  END LOOP;

  IF _is_dropped THEN
    PERFORM @extschema@.archive_changed();
  END IF;
END;
$$;
