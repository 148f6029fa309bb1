-- audience: part; needs timescale
-- The ranges that archived_chunks or archived_chunks_of_stream list without a file: they were dropped by force.
CREATE OR REPLACE FUNCTION @extschema@.gone_ranges(listed jsonb)
RETURNS tstzrange[]
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  RETURN coalesce((
    SELECT pg_catalog.array_agg(
      pg_catalog.tstzrange((f.file ->> 0)::timestamptz, (f.file ->> 1)::timestamptz)
    )
    FROM pg_catalog.jsonb_array_elements(nullif($1 -> 'files', 'null')) AS f (file)
    WHERE f.file ->> 4 IS NULL AND f.file ->> 0 IS NOT NULL
  ), '{}');
END;
$$;
