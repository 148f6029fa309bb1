-- audience: part
-- Eight bytes from a place in a string (counted from 1), as a signed number, the first byte highest.
CREATE OR REPLACE FUNCTION @extschema@.int_64(bytes bytea, place integer)
RETURNS bigint
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
  SELECT pg_catalog.textcat('x', pg_catalog.encode(pg_catalog.substr($1, $2, 8), 'hex'))::bit(64)::bigint
$$;
