-- audience: message_db
-- The version of the interface, which is the one of Message DB that Coldstream equals.
CREATE OR REPLACE FUNCTION @extschema@.message_store_version()
RETURNS varchar
LANGUAGE sql STABLE PARALLEL SAFE
AS $$
  SELECT '1.3.0'::varchar
$$;
