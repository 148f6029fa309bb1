-- exported -> verified: the object was read back from storage and is what the manifest says. A chunk
-- that was verified before, or has been dropped, keeps its state and gets a new time. The digest names
-- what was verified: a ledger that says something else has moved on. Readers look where it was verified.
CREATE OR REPLACE FUNCTION @extschema@.record_verified(
  range_start timestamptz,
  digest text,
  archive_url text
)
RETURNS @extschema@.chunks
LANGUAGE plpgsql VOLATILE
AS $$
#variable_conflict use_column
DECLARE
  _row @extschema@.chunks;
BEGIN
  PERFORM @extschema@.lifecycle_lock();
  UPDATE @extschema@.chunks AS c
  SET state = CASE WHEN c.state = 'exported' THEN 'verified' ELSE c.state END,
    verified_at = pg_catalog.clock_timestamp(), archive_url = $3
  WHERE c.range_start = $1 AND c.digest = $2
    AND c.state IN ('exported', 'verified', 'dropped', 'rehydrated')
  RETURNING c.* INTO _row;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'The chunk that starts at % is not exported with this digest', $1
      USING ERRCODE = 'object_not_in_prerequisite_state';
  END IF;
  RETURN _row;
END;
$$;
