-- audience: message_db
-- Whether a name has no dash. NULL counts as a category there, and so here.
CREATE OR REPLACE FUNCTION @extschema@.is_category(stream_name varchar)
RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
  SELECT coalesce(pg_catalog.strpos($1, '-') OPERATOR(pg_catalog.=) 0, true)
$$;
