-- audience: internal; needs timescale
-- Marks where streams go on in one restored range, as mark_streams does, which has the rows that
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
  @include chunks_before@
BEGIN
  EXECUTE
    'INSERT INTO @extschema@.stream_marks (stream_key, position, range_start)
     SELECT f.stream_key, f.position, $1
     FROM (
       SELECT u.stream_name, pg_catalog.md5(u.stream_name)::uuid AS stream_key, u.position
       FROM unnest($2, $5) AS u (stream_name, position)
       WHERE u.position > 0
     ) AS f
     -- One by one: the planner knows nothing of how many heads there are while they become more.
     CROSS JOIN LATERAL (
       SELECT s.first_time, s.time_ordered FROM @extschema@.streams AS s
       WHERE pg_catalog.md5(s.stream_name)::uuid = f.stream_key AND s.stream_name = f.stream_name
       LIMIT 1
     ) AS h
     @include mark_rule@
    '
    USING $1, $2, _before[1], _before[3], $3;
END;
$$;
