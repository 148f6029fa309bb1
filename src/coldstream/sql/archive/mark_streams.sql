-- audience: internal; needs timescale
-- Marks where in a chunk the streams go on that have neither begun nor been marked in it or in one of
-- the three chunks before it, or in the one before it where they have enough messages since: a mark
-- takes about as much as a message in the columnstore. A read from any position then finds it in the
-- four chunks from the last mark on, which is what stream_window gives at once.
CREATE OR REPLACE FUNCTION @extschema@.mark_streams(range_start timestamptz, range_end timestamptz)
RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  _enough constant bigint := 8;
  _before timestamptz[] := ARRAY(
    SELECT c.range_start FROM @extschema@.chunks AS c
    WHERE c.range_start < $1
    ORDER BY c.range_start DESC
    LIMIT 3
  );
BEGIN
  IF _before[1] IS NULL THEN
    RETURN;
  END IF;

  EXECUTE
    'INSERT INTO @extschema@.stream_marks (stream_key, position, range_start)
     SELECT f.stream_key, f.position, $1
     FROM (
       SELECT m.stream_name, pg_catalog.md5(m.stream_name)::uuid AS stream_key,
         min(m.position) AS position
       FROM @extschema@.messages AS m
       WHERE m.time >= $1 AND m.time < $2
       GROUP BY m.stream_name
     ) AS f
     JOIN @extschema@.streams AS h
       ON pg_catalog.md5(h.stream_name)::uuid = f.stream_key AND h.stream_name = f.stream_name
     LEFT JOIN LATERAL (
       SELECT k.position, k.range_start
       FROM @extschema@.stream_marks AS k
       WHERE k.stream_key = f.stream_key AND k.position <= f.position
       ORDER BY k.position DESC
       LIMIT 1
     ) AS k ON true
     WHERE f.position > 0 AND h.time_ordered AND (
       coalesce(k.range_start, h.first_time) < $4
       OR coalesce(k.range_start, h.first_time) < $3 AND f.position - coalesce(k.position, 0) >= $5
     )
     ON CONFLICT DO NOTHING'
    USING $1, $2, _before[1], _before[3], _enough;
END;
$$;
