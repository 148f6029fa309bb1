-- audience: part
-- Whether a range of time holds a message of a stream after a position. In a stream whose positions
-- follow time no later range then holds one up to it.
CREATE OR REPLACE FUNCTION @extschema@.stream_continues(
  stream_name text,
  "position" bigint,
  range tstzrange
)
RETURNS boolean
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  _found boolean;
BEGIN
  EXECUTE
    'SELECT EXISTS (
       SELECT FROM @extschema@.messages AS m
       WHERE m.stream_name = $1 AND m.stream_category = $2 AND m.position > $3
         AND m.time >= pg_catalog.lower($4) AND m.time < pg_catalog.upper($4)
     )'
    INTO _found USING $1, pg_catalog.split_part($1, '-', 1), $2, $3;
  RETURN _found;
END;
$$;
