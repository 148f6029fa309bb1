-- audience: internal; needs timescale
-- Marks where streams go on in one restored range, by the rule of mark_streams, which has the rows that
-- are missing here: without marks, a read in the middle of a long stream begins at its start. After the
-- heads of these streams, and in the order of time.
CREATE OR REPLACE FUNCTION @extschema@.restore_marks(
  range_start timestamptz,
  stream_names text[],
  first_positions bigint[]
)
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
  INSERT INTO @extschema@.stream_marks (stream_key, position, range_start)
  SELECT f.stream_key, f.position, $1
  FROM (
    SELECT u.stream_name, md5(u.stream_name)::uuid AS stream_key, u.position
    FROM unnest($2, $3) AS u (stream_name, position)
    WHERE u.position > 0
  ) AS f
  -- One by one: the planner knows nothing of how many heads there are while they become more.
  CROSS JOIN LATERAL (
    SELECT s.first_time, s.time_ordered FROM @extschema@.streams AS s
    WHERE md5(s.stream_name)::uuid = f.stream_key AND s.stream_name = f.stream_name
    LIMIT 1
  ) AS h
  LEFT JOIN LATERAL (
    SELECT k.position, k.range_start
    FROM @extschema@.stream_marks AS k
    WHERE k.stream_key = f.stream_key AND k.position <= f.position
    ORDER BY k.position DESC
    LIMIT 1
  ) AS k ON true
  WHERE h.time_ordered AND (
    coalesce(k.range_start, h.first_time) < _before[3]
    OR coalesce(k.range_start, h.first_time) < _before[1]
      AND f.position - coalesce(k.position, 0) >= _enough
  )
  ON CONFLICT DO NOTHING;
END;
$$;
