-- Message DB: one writer a category, until the transaction ends. The key is Message DB's, so other
-- software that takes the same lock keeps working.
CREATE OR REPLACE FUNCTION @extschema@.acquire_lock(stream_name varchar)
RETURNS bigint
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
  _category varchar := pg_catalog.split_part(acquire_lock.stream_name, '-', 1);
  _category_name_hash bigint := @extschema@.hash_64(_category);
BEGIN
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
