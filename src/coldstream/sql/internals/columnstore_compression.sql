-- How the store's chunks are compressed on this server: what is set, or lz4 where the server has it.
CREATE OR REPLACE FUNCTION @extschema@.columnstore_compression()
RETURNS text
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  RETURN coalesce(
    (SELECT s.compression FROM @extschema@.store AS s),
    (SELECT 'lz4' FROM pg_settings AS s WHERE s.name = 'default_toast_compression' AND 'lz4' = ANY (s.enumvals)),
    'pglz'
  );
END;
$$;
