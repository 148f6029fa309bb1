-- audience: message_db
-- The part of a stream name after the first dash; NULL where there is none.
CREATE OR REPLACE FUNCTION @extschema@.id(stream_name varchar)
RETURNS varchar
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
  SELECT CASE
    WHEN pg_catalog.strpos($1, '-') OPERATOR(pg_catalog.>) 0
    THEN pg_catalog.substr($1, pg_catalog.strpos($1, '-') OPERATOR(pg_catalog.+) 1)::varchar
  END
$$;
