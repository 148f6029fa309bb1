-- audience: internal
-- Records the functions as they are now, at the end of an install.
CREATE OR REPLACE FUNCTION @extschema@.record_functions()
RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  IF EXISTS (
    (SELECT f.* FROM @extschema@.current_functions() AS f)
    EXCEPT (SELECT i.* FROM @extschema@.installed_functions AS i)
  ) OR EXISTS (
    (SELECT i.* FROM @extschema@.installed_functions AS i)
    EXCEPT (SELECT f.* FROM @extschema@.current_functions() AS f)
  ) THEN
    DELETE FROM @extschema@.installed_functions;
    INSERT INTO @extschema@.installed_functions (signature, digest)
    SELECT f.signature, f.digest FROM @extschema@.current_functions() AS f;
  END IF;
END;
$$;
