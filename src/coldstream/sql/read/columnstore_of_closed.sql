-- audience: part; needs timescale
-- The qualified name of a chunk's columnstore, as it is now, if the chunk was closed at that time and was not
-- opened since; else NULL. VOLATILE, so that it sees more than the snapshot of its caller.
CREATE OR REPLACE FUNCTION @extschema@.columnstore_of_closed(chunk_name text, closed_at timestamptz)
RETURNS text
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  RETURN (
    SELECT format('%I.%I', n.nspname, r.relname)
    FROM @extschema@.chunks AS c
    JOIN _timescaledb_catalog.compression_settings AS s ON s.relid = to_regclass(c.chunk_name)
    JOIN pg_class AS r ON r.oid = s.compress_relid
    JOIN pg_namespace AS n ON n.oid = r.relnamespace
    WHERE c.chunk_name = $1 AND c.state <> 'open' AND c.closed_at = $2
  );
END;
$$;
