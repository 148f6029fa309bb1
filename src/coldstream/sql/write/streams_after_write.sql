-- audience: internal
-- Wakes the consumers of a category; see set_notify. PostgreSQL sends what is the same only once a
-- transaction.
CREATE OR REPLACE FUNCTION @extschema@.streams_after_write()
RETURNS trigger
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  PERFORM pg_notify('@extschema_name@', split_part(NEW.stream_name, '-', 1));
  RETURN NULL;
END;
$$;
