-- audience: message_db
-- The first 64 bits of the MD5 of a value, as a signed number. Consumer groups divide
-- streams by it and writers lock categories by it, so its value is part of the contract.
CREATE OR REPLACE FUNCTION @extschema@.hash_64(value varchar)
RETURNS bigint
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
  SELECT pg_catalog.textcat('x', pg_catalog.left(pg_catalog.md5($1), 16))::bit(64)::bigint
$$;
