-- audience: application
-- Where to read from for every message written at or after a time: no such message of the source comes
-- before it. source is a category, a stream's name, or '' for everything; the answer is a position of the
-- stream, or else a global position. time NULL, or later than every message: after the last one there is
-- now, which is found as get_all_messages finds its end (see frontier).
--
-- It is the first such position, unless the time falls into history that has left the database. Then the
-- ledger's word is taken: the first position of that chunk, and of a stream the first one that has left.
-- A stream whose imported times go back is read from its start. By the ledger and bounded statements, so
-- it costs the same at any number of chunks.
CREATE OR REPLACE FUNCTION @extschema@.position_at(source text, "time" timestamptz)
RETURNS bigint
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
  _category text := nullif($1, '');
  _head @extschema@.streams;
  _left timestamptz;
  _low bigint := 0;
  _high bigint;
  _middle bigint;
  _position bigint;
  _time timestamptz;
  _tries integer := 0;
BEGIN
  IF strpos($1, '-') > 0 THEN
    SELECT s.* INTO _head FROM @extschema@.streams AS s
    WHERE pg_catalog.md5(s.stream_name)::uuid = pg_catalog.md5($1)::uuid AND s.stream_name = $1;
    _high := coalesce(_head.position, -1) + 1;
    IF $2 IS NULL OR _head.time < $2 THEN
      RETURN _high;
    ELSIF NOT _head.time_ordered THEN
      RETURN 0;
    END IF;
    SELECT max(c.range_end) INTO _left FROM @extschema@.chunks AS c
    WHERE c.state = 'dropped' AND c.range_start <= _head.time AND c.range_end > _head.first_time;

    -- Everything before _low is known to be older than the time.
    WHILE _low < _high LOOP
      _middle := (_low + _high) / 2;
      BEGIN
        SELECT m.position, m.time AT TIME ZONE 'UTC' INTO _position, _time
        FROM @extschema@.get_stream_messages($1, _middle, 1) AS m;
      EXCEPTION
        WHEN SQLSTATE 'CS001' THEN
          _position := _middle;
          _time := CASE WHEN _left <= $2 THEN '-infinity' ELSE 'infinity' END;
      END;
      IF _time < $2 THEN
        _low := _position + 1;
      ELSE
        _high := _middle;
      END IF;
    END LOOP;
    RETURN _low;
  END IF;

  -- Before the search: what that does not see yet has a position from here on.
  _high := @extschema@.frontier() + 1;
  IF $2 IS NULL THEN
    RETURN _high;
  END IF;

  LOOP
    BEGIN
      RETURN least(_high, @extschema@.first_position_since(_category, $2));
    EXCEPTION
      @include read_again@
    END;
  END LOOP;
END;
$$;
