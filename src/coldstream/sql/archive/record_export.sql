-- audience: internal; needs timescale
-- exporting -> exported: the files and their manifest are in storage; nothing is proved yet.
CREATE OR REPLACE FUNCTION @extschema@.record_export(
  range_start timestamptz,
  archive_url text,
  archive_manifest text,
  manifest jsonb
)
RETURNS @extschema@.chunks
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
  _row @extschema@.chunks;
BEGIN
  PERFORM @extschema@.lifecycle_lock();
  PERFORM FROM @extschema@.chunks AS c WHERE c.range_start = $1 AND c.state = 'exporting' FOR UPDATE;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'The chunk that starts at % is not being exported', $1
      USING ERRCODE = 'object_not_in_prerequisite_state';
  END IF;
  PERFORM @extschema@.check_manifest($1, $4);
  -- Before the state, whose trigger looks at the bytes.
  PERFORM @extschema@.record_files($1, $4);
  UPDATE @extschema@.chunks AS c
  SET state = 'exported', exported_at = pg_catalog.clock_timestamp(), verified_at = NULL,
    row_versions = NULL,
    archive_url = $2,
    archive_manifest = $3,
    archive_format = $4 ->> 'format',
    digest = $4 ->> 'digest'
  WHERE c.range_start = $1
  RETURNING c.* INTO _row;
  RETURN _row;
END;
$$;
