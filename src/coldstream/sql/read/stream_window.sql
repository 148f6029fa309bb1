-- audience: part
-- The first range of time to read for one stream between two times: over few neighbouring chunks of
-- the ledger that may hold messages of its category, or over all that is newer than the last closed
-- chunk, which the ledger need not know. NULL where there is none. An open chunk is always in it: its
-- recorded ranges are not believed. Chunks that have left the database are not, unless the stream is in
-- the part of one that is back.
--
-- A range ends with its chunks and not with the stream, and callers begin with the chunk of its first
-- message: where somebody split a chunk of the columnstore, TimescaleDB leaves a batch whole on one side, and
-- a range that has none of that side's time does not find it.
--
-- The caller asks again from the end of the range on, as far as it has to: what it costs does not
-- depend on how many chunks there are. chunk_names are for check_chunks_unchanged, which
-- finds those that are not closed by closed_before.
CREATE OR REPLACE FUNCTION @extschema@.stream_window(
  stream_name text,
  from_time timestamptz,
  to_time timestamptz,
  closed_before timestamptz,
  OUT range tstzrange,
  OUT chunk_names text[]
)
RETURNS record
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  _category text := pg_catalog.split_part($1, '-', 1);
  _max_chunks constant integer := 4;
  -- Ranges exclude their end, and a message may have the very time that is asked for.
  _end timestamptz := $3 + INTERVAL '1 microsecond';
  _earliest timestamptz;
  _chunk record;
  _from timestamptz;
  _to timestamptz;
BEGIN
  chunk_names := '{}';
  IF $2 > $3 THEN
    RETURN;
  END IF;

  IF $2 < $4 THEN
    _earliest := pg_catalog.lower(@extschema@.range_around($2));
    FOR _chunk IN
      SELECT c.range_start, c.range_end, coalesce(c.chunk_name, c.part_name) AS chunk_name
      FROM @extschema@.chunks AS c
      WHERE c.range_end > $2 AND c.range_start BETWEEN _earliest AND $3
        @include chunk_may_have_stream@
      ORDER BY c.range_start
    LOOP
      EXIT WHEN _chunk.range_start > _to
        OR _chunk.range_start = _to AND pg_catalog.cardinality(chunk_names) >= _max_chunks;
      _from := coalesce(_from, _chunk.range_start);
      _to := greatest(_to, _chunk.range_end);
      chunk_names := chunk_names || _chunk.chunk_name;
    END LOOP;
  END IF;

  IF _to IS NOT NULL THEN
    range := pg_catalog.tstzrange(greatest(_from, $2), _to);
  ELSIF $3 >= $4 THEN
    range := pg_catalog.tstzrange(greatest($2, $4), _end);
  END IF;
END;
$$;
