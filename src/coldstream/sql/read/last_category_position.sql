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
      WHEN serialization_failure THEN
        -- The next statement has a new snapshot, but not at a higher level than READ COMMITTED.
        _tries := _tries + 1;
        IF _tries = 20 OR pg_catalog.left(pg_catalog.current_setting('transaction_isolation'), 4) <> 'read' THEN
          RAISE;
        END IF;
    END;
  END LOOP;
END;
$$;
