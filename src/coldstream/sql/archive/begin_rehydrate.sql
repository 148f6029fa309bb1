-- audience: internal; needs timescale
-- Makes the empty chunk that an archived range is loaded into, with exactly the range it had, so that
-- it can be dropped again as it is. Where a part of the range is back, its chunk takes the rest: readers
-- go on, and nobody else changes it. The caller inserts the rows through the hypertable and calls
-- finish_rehydrate or finish_rehydrate_part, all in one transaction.
CREATE OR REPLACE FUNCTION @extschema@.begin_rehydrate(range_start timestamptz)
RETURNS @extschema@.chunks
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
  _row @extschema@.chunks;
  _other record;
BEGIN
  PERFORM @extschema@.lifecycle_lock();
  PERFORM @extschema@.check_columns();
  _row := @extschema@.lock_range($1, 'EXCLUSIVE');
  IF _row.state IS DISTINCT FROM 'dropped' OR _row.archive_object IS NULL THEN
    RAISE EXCEPTION 'The chunk that starts at % is not in the archive alone: it is %',
      $1, coalesce(_row.state, 'unknown')
      USING ERRCODE = 'object_not_in_prerequisite_state';
  END IF;

  -- Ranges may overlap where the interval of chunks became longer.
  SELECT h.range_start, h.range_end INTO _other
  FROM @extschema@.hypertable_chunks() AS h
  WHERE h.range_start < _row.range_end AND h.range_end > _row.range_start AND _row.part_name IS NULL
  LIMIT 1;
  IF FOUND THEN
    RAISE EXCEPTION 'The chunk % to % has no place in the database: % to % overlaps it',
      _row.range_start, _row.range_end, _other.range_start, _other.range_end
      USING ERRCODE = 'CS008', HINT = 'Read it from the archive: every client does.';
  END IF;

  IF _row.part_name IS NULL THEN
    PERFORM @extschema@.make_chunk(_row.range_start, _row.range_end);
  ELSE
    PERFORM @extschema@.unfreeze(_row.part_name::regclass);
  END IF;
  PERFORM @extschema@.drop_foreign_triggers($1);
  RETURN _row;
END;
$$;
