-- audience: internal; needs timescale
-- Marks where in a chunk the streams go on (see mark_rule). A read from any position then finds it in the four
-- chunks from the last mark on, which is what stream_window gives at once.
CREATE OR REPLACE FUNCTION @extschema@.mark_streams(range_start timestamptz, range_end timestamptz)
RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  @include chunks_before@
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
     @include mark_rule@
    '
    USING $1, $2, _before[1], _before[3];
END;
$$;
