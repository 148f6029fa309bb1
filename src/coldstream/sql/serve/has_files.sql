-- audience: part; needs timescale
-- Whether archived_chunks or archived_chunks_of_stream list any file.
CREATE OR REPLACE FUNCTION @extschema@.has_files(listed jsonb)
RETURNS boolean
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  RETURN EXISTS (
    SELECT FROM pg_catalog.jsonb_array_elements(nullif($1 -> 'files', 'null')) AS f (file)
    WHERE f.file ->> 4 IS NOT NULL
  );
END;
$$;
