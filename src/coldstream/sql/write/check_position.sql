-- audience: internal
-- Refuses a stream's position that exists: in a chunk of the stream's time, or perhaps in one that has
-- left the database. For positions up to the head's; what is beyond it exists nowhere.
--
-- EXECUTE, so that it is planned for the chunks of that time and not for all there are.
CREATE OR REPLACE FUNCTION @extschema@.check_position(
  stream_name text,
  "position" bigint,
  first_time timestamptz,
  last_time timestamptz
)
RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  _exists boolean;
BEGIN
  EXECUTE
    'SELECT EXISTS (
       SELECT FROM @extschema@.messages AS m
       WHERE m.stream_name = $1 AND m.stream_category = $2 AND m.position = $3
         AND m.time >= $4 AND m.time <= $5
     ) OR EXISTS (
       SELECT FROM @extschema@.chunks AS c WHERE c.state = ''dropped'' AND c.range_end > $4
     )'
    INTO _exists USING $1, split_part($1, '-', 1), $2, $3, $4;
  IF _exists THEN
    PERFORM @extschema@.raise_exists(
      'messages_stream', format('(stream_name, "position")=(%s, %s)', $1, $2)
    );
  END IF;
END;
$$;
