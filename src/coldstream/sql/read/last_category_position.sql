-- audience: application
-- The last global position of a category that is visible now; 0 where there is none. A writer of the
-- category holds its lock from before it draws a position until it ends, so whatever is written later
-- gets a later one.
CREATE OR REPLACE FUNCTION @extschema@.last_category_position(category varchar)
RETURNS bigint
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  _tries integer := 0;
BEGIN
  LOOP
    BEGIN
      RETURN @extschema@.last_visible_position($1);
    EXCEPTION
      @include read_again@
    END;
  END LOOP;
END;
$$;
