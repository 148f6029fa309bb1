-- audience: internal
-- Refuses a name that has no head after the heads have been moved: its hash is another stream's.
CREATE OR REPLACE FUNCTION @extschema@.check_heads(stream_names varchar[])
RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  PERFORM @extschema@.raise_wrong_version(u.name, NULL)
  FROM unnest($1) AS u (name)
  WHERE NOT EXISTS (
    SELECT FROM @extschema@.streams AS s
    WHERE md5(s.stream_name)::uuid = md5(u.name)::uuid AND s.stream_name = u.name
  );
END;
$$;
