-- audience: internal
-- Moves the heads of the streams that the session's incoming table has messages of, as the writes of these
-- messages in the order of their global positions would. Heads are looked up one by one: the planner knows
-- nothing of how many there are while they become more.
CREATE OR REPLACE FUNCTION @extschema@.move_incoming_heads()
RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
  _all_moved boolean;
BEGIN
  WITH grouped AS MATERIALIZED (
    SELECT o.stream_name, bool_and(o.in_order) AS in_order,
      min(o.position) AS first_position, max(o.position) AS last_position,
      min(o.time) AS first_time, max(o.time) AS last_time
    FROM (
      SELECT i.stream_name, i.position, i.time, coalesce(
        i.position > lag(i.position) OVER w AND i.time >= lag(i.time) OVER w, true
      ) AS in_order
      FROM pg_temp.coldstream_incoming AS i
      WINDOW w AS (PARTITION BY i.stream_name COLLATE "C" ORDER BY i.global_position)
    ) AS o
    GROUP BY o.stream_name
  ), moved AS (
    INSERT INTO @extschema@.streams AS s (stream_name, position, first_time, time, time_ordered)
    SELECT g.stream_name, g.last_position, g.first_time, g.last_time,
      g.in_order AND coalesce(g.first_position > h.position AND g.first_time >= h.time, true)
    FROM grouped AS g
    LEFT JOIN LATERAL (
      SELECT s.position, s.time FROM @extschema@.streams AS s
      WHERE md5(s.stream_name)::uuid = md5(g.stream_name)::uuid AND s.stream_name = g.stream_name
      LIMIT 1
    ) AS h ON true
    ORDER BY g.stream_name COLLATE "C"
    ON CONFLICT ((md5(stream_name)::uuid)) DO UPDATE
      SET position = greatest(s.position, excluded.position),
        first_time = least(s.first_time, excluded.first_time),
        time = greatest(s.time, excluded.time),
        time_ordered = s.time_ordered AND excluded.time_ordered
      WHERE s.stream_name = excluded.stream_name
    RETURNING s.stream_name
  )
  SELECT (SELECT count(*) FROM moved) = (SELECT count(*) FROM grouped) INTO _all_moved;

  -- A name whose hash another stream has did not move a head.
  IF NOT _all_moved THEN
    PERFORM @extschema@.check_heads(array_agg(DISTINCT i.stream_name::varchar)) FROM pg_temp.coldstream_incoming AS i;
  END IF;
END;
$$;
