-- audience: internal; needs timescale
-- sealed -> exporting. An export that was killed starts over; one that is done is not done
-- again unless asked for, which a chunk needs whose rows are no longer the ones that were exported.
-- Whatever it was, the messages are counted before: what is exported is compared with that.
CREATE OR REPLACE FUNCTION @extschema@.begin_export(range_start timestamptz, again boolean DEFAULT false)
RETURNS @extschema@.chunks
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
  _row @extschema@.chunks;
BEGIN
  _row := @extschema@.seal_range($1);
  IF _row.state IN ('sealed', 'exporting') OR ($2 AND _row.state IN ('exported', 'verified')) THEN
    PERFORM @extschema@.check_chunk_range($1);
    PERFORM @extschema@.check_overlap($1);
    PERFORM @extschema@.check_count($1);
    UPDATE @extschema@.chunks SET state = 'exporting' WHERE range_start = $1 RETURNING * INTO _row;
  ELSIF _row.state = 'open' THEN
    RAISE EXCEPTION 'Late data opened the chunk again: % to %', $1, _row.range_end
      USING ERRCODE = 'object_not_in_prerequisite_state', HINT = 'Run this again.';
  END IF;
  RETURN _row;
END;
$$;
