-- audience: internal
-- An ordinary table has no chunk that a write would have to make.
CREATE OR REPLACE FUNCTION @extschema@.create_chunks_ahead()
RETURNS void
LANGUAGE sql IMMUTABLE
AS $$
$$;
