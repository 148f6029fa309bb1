-- audience: internal
-- The functions that are not the ones which the last install left, by a comma; NULL where all are: others in
-- their place, or beside them under their names, or none.
CREATE OR REPLACE FUNCTION @extschema@.replaced_functions()
RETURNS text
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  RETURN (
    SELECT string_agg(signature, ', ' ORDER BY signature)
    FROM @extschema@.current_functions() AS f
    FULL JOIN @extschema@.installed_functions AS i USING (signature)
    WHERE f.digest IS DISTINCT FROM i.digest
  );
END;
$$;
