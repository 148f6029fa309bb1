-- audience: internal; needs timescale
-- How the store's chunks are compressed on this server: as is set, or with lz4, each where the server has
-- it. A store that was moved to a server without lz4 goes on with what is there.
CREATE OR REPLACE FUNCTION @extschema@.columnstore_compression()
RETURNS text
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  RETURN coalesce(
    (
      SELECT w.method
      FROM @extschema@.store AS s
      CROSS JOIN LATERAL coalesce(s.compression, 'lz4') AS w (method)
      JOIN pg_settings AS g ON g.name = 'default_toast_compression' AND w.method = ANY (g.enumvals)
    ),
    'pglz'
  );
END;
$$;
