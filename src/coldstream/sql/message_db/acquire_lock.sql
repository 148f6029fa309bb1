-- audience: message_db
-- One writer a category, until the transaction ends. The key is Message DB's, so other
-- software that takes the same lock keeps working.
CREATE OR REPLACE FUNCTION @extschema@.acquire_lock(stream_name varchar)
RETURNS bigint
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
  _category varchar := pg_catalog.split_part(acquire_lock.stream_name, '-', 1);
  _category_name_hash bigint := @extschema@.hash_64(_category);
BEGIN
  -- Every writer comes here: while a restore is at work, or where TimescaleDB is not loaded and has no such
  -- setting, what is written would go where nobody looks for it afterwards.
  IF @rows_hidden@ THEN
    PERFORM @extschema@.check_rows_visible();
  END IF;

  PERFORM pg_catalog.pg_advisory_xact_lock(_category_name_hash);

  IF @extschema@.debugging('message_store.debug_write') THEN
    RAISE NOTICE '» acquire_lock';
    RAISE NOTICE 'stream_name: %', acquire_lock.stream_name;
    RAISE NOTICE '_category: %', _category;
    RAISE NOTICE '_category_name_hash: %', _category_name_hash;
  END IF;

  RETURN _category_name_hash;
END;
$$;
