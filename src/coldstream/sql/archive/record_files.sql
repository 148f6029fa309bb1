-- audience: internal; needs timescale
-- The files of an archived range, as its manifest names them, in the ledger.
CREATE OR REPLACE FUNCTION @extschema@.record_files(range_start timestamptz, manifest jsonb)
RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
  DELETE FROM @extschema@.archive_files WHERE range_start = $1;
  INSERT INTO @extschema@.archive_files
    (range_start, number, object, bytes, sha256, footer_bytes, footer_sha256, messages,
     first_stream_name, last_stream_name, first_global_position, last_global_position)
  SELECT $1, f.number, r.key, r.bytes, r.sha256, r.footer_bytes, r.footer_sha256, r.rows,
    r.first_stream_name, r.last_stream_name, r.first_global_position, r.last_global_position
  FROM pg_catalog.jsonb_array_elements($2 -> 'files') WITH ORDINALITY AS f (file, number)
  CROSS JOIN LATERAL pg_catalog.jsonb_to_record(f.file) AS r (
    key text, bytes bigint, sha256 text, footer_bytes bigint, footer_sha256 text, rows bigint,
    first_stream_name text, last_stream_name text, first_global_position bigint,
    last_global_position bigint
  );
  UPDATE @extschema@.chunks AS c
  SET archive_object = f.object, archive_bytes = f.bytes, archive_files = f.files
  FROM (
    SELECT min(object) FILTER (WHERE number = 1) AS object, sum(bytes)::bigint AS bytes,
      count(*)::integer AS files
    FROM @extschema@.archive_files
    WHERE range_start = $1
  ) AS f
  WHERE c.range_start = $1;
END;
$$;
