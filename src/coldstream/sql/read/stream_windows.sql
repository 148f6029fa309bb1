-- audience: part
-- Every range of time that may hold messages of a stream, and their chunks: stream_window, all the
-- way. For what cannot stop early. One range at least: it is empty where there is none.
CREATE OR REPLACE FUNCTION @extschema@.stream_windows(
  stream_name text,
  OUT ranges tstzrange[],
  OUT chunk_names text[]
)
RETURNS record
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  _head record;
  _time timestamptz;
  _window record;
BEGIN
  SELECT h.first_time, h.time, s.closed_before INTO _head
  FROM @extschema@.streams AS h, @extschema@.store AS s
  WHERE pg_catalog.md5(h.stream_name)::uuid = pg_catalog.md5($1)::uuid
    AND h.stream_name = $1;

  ranges := '{}';
  chunk_names := '{}';
  _time := pg_catalog.lower(@extschema@.range_around(_head.first_time));
  LOOP
    _window := @extschema@.stream_window($1, _time, _head.time, _head.closed_before);
    EXIT WHEN _window.range IS NULL;
    ranges := ranges || _window.range;
    chunk_names := chunk_names || _window.chunk_names;
    _time := pg_catalog.upper(_window.range);
  END LOOP;
  IF ranges = '{}' THEN
    ranges := ARRAY[pg_catalog.tstzrange('infinity', 'infinity', '[]')];
  END IF;
END;
$$;
