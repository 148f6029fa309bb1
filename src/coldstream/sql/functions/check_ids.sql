-- Refuses an id that a message in a row-form chunk has (23505, as Message DB's unique index does).
-- Older ids are in compressed chunks or in the archive and are not looked at: rows_since is the
-- start of the window, kept by sync_store.
--
-- EXECUTE, so that every call plans for the few chunks of the window: a generic plan locks them all.
CREATE OR REPLACE FUNCTION @extschema@.check_ids(ids uuid[], rows_since timestamptz)
RETURNS void
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
  _id uuid;
BEGIN
  IF pg_catalog.cardinality($1) > 1 THEN
    SELECT u INTO _id FROM pg_catalog.unnest($1) AS u GROUP BY u HAVING count(*) > 1 LIMIT 1;
  END IF;

  IF _id IS NULL THEN
    EXECUTE 'SELECT m.id FROM @extschema@.messages AS m WHERE m.id = ANY ($1) AND m.time >= $2 LIMIT 1'
      INTO _id USING $1, $2;
  END IF;

  IF _id IS NOT NULL THEN
    RAISE EXCEPTION 'duplicate key value violates unique constraint "messages_id"'
      USING
        ERRCODE = 'unique_violation',
        DETAIL = pg_catalog.format('Key (id)=(%s) already exists.', _id),
        SCHEMA = '@extschema_name@',
        TABLE = 'messages',
        CONSTRAINT = 'messages_id';
  END IF;
END;
$$;
