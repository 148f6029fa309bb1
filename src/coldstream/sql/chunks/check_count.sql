-- audience: internal; needs timescale
-- Compares how many messages a chunk has with how many the ledger counted, and counts anew where that may
-- have changed: somebody deleted some, or the owner brought some in past the triggers. Fewer than were
-- counted, and none deleted, is an error (count_range). The caller keeps the rows from changing.
CREATE OR REPLACE FUNCTION @extschema@.check_count(range_start timestamptz)
RETURNS @extschema@.chunks
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
  _row @extschema@.chunks;
  _messages bigint;
BEGIN
  SELECT c.* INTO _row FROM @extschema@.chunks AS c WHERE c.range_start = $1;
  EXECUTE 'SELECT count(*) FROM @extschema@.messages AS m WHERE m.time >= $1 AND m.time < $2'
  INTO _messages USING _row.range_start, _row.range_end;
  IF _row.thinned OR _messages IS DISTINCT FROM _row.messages THEN
    RETURN @extschema@.count_range($1, _row.state);
  END IF;
  RETURN _row;
END;
$$;
