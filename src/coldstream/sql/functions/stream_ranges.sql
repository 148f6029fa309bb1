-- The ranges of time to read for one stream, oldest first, each over few neighbouring chunks: those
-- of the ledger that may hold messages of its category between two times, then all that is newer
-- than the last closed chunk, which the ledger need not know. An open chunk is always among them:
-- its recorded ranges are not believed. Chunks that have left the database are not.
CREATE OR REPLACE FUNCTION @extschema@.stream_ranges(
  category text,
  from_time timestamptz,
  to_time timestamptz
)
RETURNS TABLE (range tstzrange, chunk_names text[])
LANGUAGE plpgsql STABLE
AS $$
DECLARE
  _max_chunks constant integer := 4;
  _closed_before timestamptz := (SELECT s.closed_before FROM @extschema@.store AS s);
  _chunk record;
  _from timestamptz;
  _to timestamptz;
BEGIN
  IF $2 < _closed_before THEN
    FOR _chunk IN
      SELECT c.range_start, c.range_end, c.chunk_name
      FROM @extschema@.chunks AS c
      WHERE c.range_end > $2 AND c.range_start <= $3 AND c.state <> 'dropped' AND (
        c.state = 'open' OR EXISTS (
          SELECT FROM @extschema@.chunk_categories AS r
          WHERE r.category = $1 AND r.range_start = c.range_start
        )
      )
      ORDER BY c.range_start
    LOOP
      IF _to = _chunk.range_start AND pg_catalog.cardinality(chunk_names) < _max_chunks THEN
        chunk_names := chunk_names || _chunk.chunk_name;
      ELSE
        IF _to IS NOT NULL THEN
          range := pg_catalog.tstzrange(_from, _to);
          RETURN NEXT;
        END IF;
        _from := _chunk.range_start;
        chunk_names := ARRAY[_chunk.chunk_name];
      END IF;
      _to := _chunk.range_end;
    END LOOP;
    IF _to IS NOT NULL THEN
      range := pg_catalog.tstzrange(_from, _to);
      RETURN NEXT;
    END IF;
  END IF;

  IF $3 >= _closed_before THEN
    range := pg_catalog.tstzrange(greatest($2, _closed_before), NULL);
    chunk_names := @extschema@.unclosed_chunk_names(greatest($2, _closed_before));
    RETURN NEXT;
  END IF;
END;
$$;
