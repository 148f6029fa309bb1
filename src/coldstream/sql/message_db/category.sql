-- audience: message_db
-- The part of a stream name before the first dash; the whole name where there is none.
CREATE OR REPLACE FUNCTION @extschema@.category(stream_name varchar)
RETURNS varchar
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
  SELECT pg_catalog.split_part($1, '-', 1)::varchar
$$;
