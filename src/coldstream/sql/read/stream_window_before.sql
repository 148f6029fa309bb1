-- audience: part
-- The last range of time to read for one stream between two times: stream_window, walked backwards.
-- Gives a chunk a time, and those that overlap it, because who walks backwards is after one message.
--
-- The settings: chunks are read in the order of where they end, by the index that has it, and no further
-- than is asked for; the plan that fits this call alone would cost more than it saves.
CREATE OR REPLACE FUNCTION @extschema@.stream_window_before(
  stream_name text,
  from_time timestamptz,
  to_time timestamptz,
  closed_before timestamptz,
  OUT range tstzrange,
  OUT chunk_names text[]
)
RETURNS record
LANGUAGE plpgsql STABLE
SET plan_cache_mode = force_generic_plan
SET enable_sort = off
SET enable_bitmapscan = off
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  _category text := pg_catalog.split_part($1, '-', 1);
  _end timestamptz := $3 + INTERVAL '1 microsecond';
  _latest timestamptz;
  _chunk record;
  _from timestamptz;
  _to timestamptz;
BEGIN
  chunk_names := '{}';
  IF $2 > $3 THEN
    RETURN;
  END IF;

  IF $3 >= $4 THEN
    range := pg_catalog.tstzrange(greatest($2, $4), _end);
    RETURN;
  END IF;

  _latest := pg_catalog.upper(@extschema@.range_around($3));
  FOR _chunk IN
    SELECT c.range_start, c.range_end, coalesce(c.chunk_name, c.part_name) AS chunk_name
    FROM @extschema@.chunks AS c
    WHERE c.range_start <= $3 AND c.range_end > $2 AND c.range_end <= _latest
      @include chunk_may_have_stream@
    ORDER BY c.range_end DESC
  LOOP
    -- Those that lie in the range of the last one, or reach into it, are read with it.
    EXIT WHEN _chunk.range_end <= _from;
    _from := coalesce(_from, _chunk.range_start);
    _to := coalesce(_to, _chunk.range_end);
    chunk_names := chunk_names || _chunk.chunk_name;
  END LOOP;
  IF _to IS NOT NULL THEN
    range := pg_catalog.tstzrange(greatest(_from, $2), _to);
  END IF;
END;
$$;
