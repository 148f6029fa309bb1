-- audience: part
-- Whether the database has as many messages of a stream as there are positions, by counting: where a chunk of
-- the stream's lifetime is gone, fewer say that a part has left. A stream that was idle in that chunk, or is
-- asked for from a later position, passes. The count looks at every chunk of the stream; read_stream does
-- without it wherever the messages it reads say the same.
CREATE OR REPLACE FUNCTION @extschema@.is_stream_present(
  stream_name text,
  "position" bigint,
  last_position bigint
)
RETURNS boolean
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  _category text := pg_catalog.split_part($1, '-', 1);
  _windows record;
  _range tstzrange;
  _rows bigint;
  _present bigint := 0;
BEGIN
  SELECT w.ranges, w.chunk_names, s.closed_before INTO _windows
  FROM @extschema@.stream_windows($1) AS w, @extschema@.store AS s;
  FOREACH _range IN ARRAY _windows.ranges LOOP
    EXECUTE
      'SELECT count(*) FROM @extschema@.messages AS m
       WHERE m.stream_name = $1 AND m.stream_category = $2 AND m.position BETWEEN $3 AND $4
         AND m.time >= pg_catalog.lower($5) AND m.time < pg_catalog.upper($5)'
      INTO _rows USING $1, _category, $2, $3, _range;
    _present := _present + _rows;
  END LOOP;

  IF _present >= $3 - greatest($2, 0) + 1 THEN
    RETURN true;
  END IF;
  PERFORM @extschema@.check_chunks_unchanged(_windows.chunk_names, _windows.closed_before);
  RETURN false;
END;
$$;
