-- audience: internal; needs timescale
-- exported -> verified: the object was read back from storage and is what the manifest says. A chunk
-- that was verified before, or has been dropped, keeps its state and gets a new time. The digest names
-- what was verified: a ledger that says something else has moved on. Readers look where it was verified.
-- The manifest, which the files were compared with, has to say what the ledger counted.
--
-- The server's own digest of the rows is compared here, where no lock waits for it. row_versions is
-- what lets the drop see that they are still the same; where the rows are not the ones that were
-- exported it stays NULL, and the drop compares once more and refuses.
CREATE OR REPLACE FUNCTION @extschema@.record_verified(
  range_start timestamptz,
  digest text,
  archive_url text,
  manifest jsonb
)
RETURNS @extschema@.chunks
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
  _row @extschema@.chunks;
  _versions text;
BEGIN
  PERFORM @extschema@.lifecycle_lock();
  PERFORM @extschema@.check_manifest($1, $4);
  SELECT c.* INTO _row FROM @extschema@.chunks AS c WHERE c.range_start = $1;
  IF _row.state IN ('exported', 'verified') THEN
    _versions := @extschema@.row_versions(pg_catalog.to_regclass(_row.chunk_name));
    IF _versions IS NOT NULL
      AND @extschema@.digest_range(_row.range_start, _row.range_end) <> $2
    THEN
      _versions := NULL;
    END IF;
  END IF;

  UPDATE @extschema@.chunks AS c
  SET state = CASE WHEN c.state = 'exported' THEN 'verified' ELSE c.state END,
    verified_at = pg_catalog.clock_timestamp(), archive_url = $3,
    row_versions = CASE WHEN c.state IN ('exported', 'verified') THEN _versions ELSE c.row_versions END
  WHERE c.range_start = $1 AND c.digest = $2 AND $4 ->> 'digest' = $2
    AND c.state IN ('exported', 'verified', 'dropped', 'rehydrated')
  RETURNING c.* INTO _row;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'The chunk that starts at % is not exported with this digest', $1
      USING ERRCODE = 'object_not_in_prerequisite_state';
  END IF;
  RETURN _row;
END;
$$;
