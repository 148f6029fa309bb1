-- audience: part
-- Refuses a condition, as Message DB does, unless message_store.sql_condition is activated: it becomes
-- part of the statement. A setting that a rolled-back SET LOCAL left empty counts as off.
CREATE OR REPLACE FUNCTION @extschema@.check_condition(condition varchar)
RETURNS void
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  IF $1 IS NOT NULL
    AND coalesce(pg_catalog.current_setting('message_store.sql_condition', true), '') IN ('', 'off')
  THEN
    RAISE EXCEPTION 'Retrieval with SQL condition is not activated';
  END IF;
END;
$$;
