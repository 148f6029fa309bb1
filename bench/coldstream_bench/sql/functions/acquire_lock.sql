-- One writer a category.
CREATE FUNCTION @extschema@.acquire_lock(stream_name varchar)
RETURNS bigint LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
  _key bigint := @extschema@.hash_64(@extschema@.category($1));
BEGIN
  PERFORM pg_advisory_xact_lock(_key);
  IF current_setting('message_store.debug_write', true) = 'on'
    OR current_setting('message_store.debug', true) = 'on'
  THEN
    RAISE NOTICE 'acquire_lock: %, %', $1, _key;
  END IF;
  RETURN _key;
END;
$$;
