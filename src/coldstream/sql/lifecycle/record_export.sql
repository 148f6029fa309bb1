-- exporting -> exported: the object and its manifest are in storage; nothing is proved yet.
CREATE OR REPLACE FUNCTION @extschema@.record_export(
  range_start timestamptz,
  archive_url text,
  archive_manifest text,
  manifest jsonb
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
  SET state = 'exported', exported_at = pg_catalog.clock_timestamp(), verified_at = NULL,
    row_versions = NULL,
    archive_url = $2,
    archive_manifest = $3,
    archive_object = $4 ->> 'key',
    archive_format = $4 ->> 'format',
    archive_bytes = ($4 ->> 'bytes')::bigint,
    archive_sha256 = $4 ->> 'sha256',
    archive_footer_bytes = ($4 ->> 'footer_bytes')::bigint,
    archive_footer_sha256 = $4 ->> 'footer_sha256',
    digest = $4 ->> 'digest'
  WHERE c.range_start = $1 AND c.state = 'exporting'
  RETURNING c.* INTO _row;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'The chunk that starts at % is not being exported', $1
      USING ERRCODE = 'object_not_in_prerequisite_state';
  END IF;
  RETURN _row;
END;
$$;
