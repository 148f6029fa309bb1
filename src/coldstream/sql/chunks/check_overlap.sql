-- audience: internal; needs timescale
-- Refuses a chunk that reaches over a range which the archive has already: the archive is read, and rebuilt
-- from, in the order of ranges, in which such a one has no place. TimescaleDB fits a new chunk to those that
-- are there, not to those that left, so one of a longer interval may.
CREATE OR REPLACE FUNCTION @extschema@.check_overlap(range_start timestamptz)
RETURNS void
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
  _row @extschema@.chunks;
  _other record;
BEGIN
  SELECT c.* INTO _row FROM @extschema@.chunks AS c WHERE c.range_start = $1;
  SELECT c.range_start, c.range_end INTO _other FROM @extschema@.chunks AS c
  WHERE tstzrange(c.range_start, c.range_end) && tstzrange(_row.range_start, _row.range_end)
    AND c.range_start <> $1 AND c.archive_manifest IS NOT NULL
  LIMIT 1;
  IF FOUND THEN
    RAISE EXCEPTION 'The range % to % overlaps another archived one: % to %',
      _row.range_start, _row.range_end, _other.range_start, _other.range_end
      USING
        ERRCODE = 'CS008',
        HINT = 'The chunk interval was made longer after all that came before had been dropped. '
          'The chunk stays in the database, where all of it can be read.';
  END IF;
END;
$$;
