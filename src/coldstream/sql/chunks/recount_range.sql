-- audience: internal; needs timescale
-- Takes the messages that a chunk has for all there are, where the ledger counted more of them. For an
-- owner who knows why they are gone, and does not bring them back. The history of the chunk shows it.
CREATE OR REPLACE FUNCTION @extschema@.recount_range(range_start timestamptz)
RETURNS @extschema@.chunks
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
  _row @extschema@.chunks;
BEGIN
  PERFORM @extschema@.lifecycle_lock();
  PERFORM @extschema@.lock_range($1, 'SHARE');
  UPDATE @extschema@.chunks AS c
  SET thinned = true, closed_at = NULL,
    state = CASE WHEN c.state IN ('closed', 'compressed') THEN 'open' ELSE c.state END
  WHERE c.range_start = $1 AND c.state <> 'dropped'
  RETURNING c.* INTO _row;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'No chunk in the database starts at %', $1 USING ERRCODE = 'no_data_found';
  ELSIF _row.state = 'open' THEN
    RETURN @extschema@.close_range($1);
  END IF;
  RETURN @extschema@.count_range($1, _row.state);
END;
$$;
