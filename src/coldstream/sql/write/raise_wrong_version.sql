-- audience: internal
-- Message DB's error of a write that expects another version than the stream has: the given one, or
-- what the head says now. Or the head could not be made, because its key is another stream's.
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
  IF EXISTS (
    SELECT FROM @extschema@.streams AS s
    WHERE md5(s.stream_name)::uuid = md5($1)::uuid AND s.stream_name <> $1
  ) THEN
    RAISE EXCEPTION 'Another stream has a name with the same MD5 as %', $1
      USING ERRCODE = 'unique_violation', HINT = 'Write to a stream of another name.';
  END IF;

  RAISE EXCEPTION 'Wrong expected version: % (Stream: %, Stream Version: %)',
    $2, $1, coalesce($3, @extschema@.stream_version($1::varchar), -1);
END;
$$;
