-- Makes the empty chunk that an archived range is loaded into, with exactly the range it had, so that
-- it can be dropped again as it is. The caller inserts the rows through the hypertable and calls
-- finish_rehydrate, all in one transaction.
CREATE OR REPLACE FUNCTION @extschema@.begin_rehydrate(range_start timestamptz)
RETURNS @extschema@.chunks
LANGUAGE plpgsql VOLATILE
AS $$
#variable_conflict use_column
DECLARE
  _row @extschema@.chunks;
BEGIN
  PERFORM @extschema@.lifecycle_lock();
  SELECT c.* INTO _row FROM @extschema@.chunks AS c WHERE c.range_start = $1 FOR UPDATE;
  IF _row.state IS DISTINCT FROM 'dropped' OR _row.archive_object IS NULL THEN
    RAISE EXCEPTION 'The chunk that starts at % is not in the archive alone: it is %',
      $1, coalesce(_row.state, 'unknown')
      USING ERRCODE = 'object_not_in_prerequisite_state';
  END IF;

  PERFORM @extschema@.make_chunk(_row.range_start, _row.range_end);
  RETURN _row;
END;
$$;
