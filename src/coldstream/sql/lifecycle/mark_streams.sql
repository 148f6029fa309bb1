-- Marks where in a chunk the streams go on that have neither begun nor been marked in it or in one of
-- the three chunks before it. A read from any position then finds it in the four chunks from the last
-- mark on, which is what stream_window gives at once.
CREATE OR REPLACE FUNCTION @extschema@.mark_streams(range_start timestamptz, range_end timestamptz)
RETURNS void
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
  _since timestamptz := (
    SELECT c.range_start FROM @extschema@.chunks AS c
    WHERE c.range_start < $1
    ORDER BY c.range_start DESC
    OFFSET 2 LIMIT 1
  );
BEGIN
  IF _since IS NULL THEN
    RETURN;
  END IF;

  EXECUTE
    'INSERT INTO @extschema@.stream_marks (stream_name, position, range_start)
     SELECT f.stream_name, f.position, $1
     FROM (
       SELECT m.stream_name, min(m.position) AS position
       FROM @extschema@.messages AS m
       WHERE m.time >= $1 AND m.time < $2
       GROUP BY m.stream_name
     ) AS f
     JOIN @extschema@.streams AS h
       ON pg_catalog.md5(h.stream_name)::uuid = pg_catalog.md5(f.stream_name)::uuid
       AND h.stream_name = f.stream_name
     WHERE f.position > 0 AND h.time_ordered AND h.first_time < $3 AND NOT EXISTS (
       SELECT FROM @extschema@.stream_marks AS k
       WHERE k.stream_name = f.stream_name AND k.range_start BETWEEN $3 AND $1
     )
     ON CONFLICT DO NOTHING'
    USING $1, $2, _since;
END;
$$;
