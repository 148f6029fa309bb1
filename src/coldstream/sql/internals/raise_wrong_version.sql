-- Message DB's error of a write that expects another version than the stream has: the given one, or
-- what the head says now.
CREATE OR REPLACE FUNCTION @extschema@.raise_wrong_version(
  stream_name text,
  expected_version bigint,
  stream_version bigint DEFAULT NULL
)
RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  RAISE EXCEPTION 'Wrong expected version: % (Stream: %, Stream Version: %)',
    $2, $1, coalesce($3, @extschema@.stream_version($1::varchar), -1);
END;
$$;
