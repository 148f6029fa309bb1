-- audience: internal
-- Records the functions as they are now, at the end of an install, and drops those that an earlier one made
-- and this release has no more: nothing looks after the rights and paths of those. A function that somebody
-- else made is none of these. So a name that was released is never given to another signature.
CREATE OR REPLACE FUNCTION @extschema@.record_functions()
RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  _signature text;
BEGIN
  FOR _signature IN
    SELECT i.signature FROM @extschema@.installed_functions AS i
    WHERE split_part(i.signature, '(', 1) <> ALL ('{@all_functions@}')
  LOOP
    EXECUTE format('DROP ROUTINE IF EXISTS @extschema@.%s', _signature);
  END LOOP;

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
