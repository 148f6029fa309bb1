-- One writer a category.
CREATE FUNCTION @extschema@.acquire_lock(stream_name varchar)
RETURNS bigint LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
  _key bigint := @extschema@.hash_64(@extschema@.category($1));
BEGIN
  PERFORM pg_advisory_xact_lock(_key);
  RETURN _key;
END;
$$;
