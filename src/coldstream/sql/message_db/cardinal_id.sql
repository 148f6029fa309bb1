-- audience: message_db
-- The first part of a compound id ('a+b' gives 'a'); NULL for a category.
CREATE OR REPLACE FUNCTION @extschema@.cardinal_id(stream_name varchar)
RETURNS varchar
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
  SELECT pg_catalog.split_part(@extschema@.id($1), '+', 1)::varchar
$$;
