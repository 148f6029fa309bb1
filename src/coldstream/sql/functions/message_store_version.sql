-- The version of Message DB whose interface this is. Clients ask for it.
CREATE OR REPLACE FUNCTION @extschema@.message_store_version()
RETURNS varchar
LANGUAGE sql STABLE PARALLEL SAFE
AS $$
  SELECT '1.3.0'::varchar
$$;
