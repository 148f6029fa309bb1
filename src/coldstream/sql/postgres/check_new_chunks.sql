-- audience: internal
-- Rows of an ordinary table make no chunks.
CREATE OR REPLACE FUNCTION @extschema@.check_new_chunks(chunk oid)
RETURNS void
LANGUAGE sql IMMUTABLE
AS $$
$$;
