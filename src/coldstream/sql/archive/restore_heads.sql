-- audience: internal; needs timescale
-- Brings the heads of streams up to what one range holds of them: without it a stream would begin anew,
-- and its positions repeat. A head that knows the range is left as it is. in_database_from: where a range
-- starts of which the database has some of these rows; NULL where it has none, which must not make an
-- unknown of the answer. Where it cannot be told that positions follow time, they are taken not to:
-- that costs a read time, and no message.
--
-- Heads are looked up one by one. The planner knows nothing of how many there are while they become
-- more, and would join these with all of them.
CREATE OR REPLACE FUNCTION @extschema@.restore_heads(
  stream_names text[],
  first_positions bigint[],
  last_positions bigint[],
  first_times timestamptz[],
  last_times timestamptz[],
  in_order boolean[],
  in_database_from timestamptz
)
RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
  PERFORM set_config('coldstream.restoring', 'on', true);
  UPDATE @extschema@.streams AS h
  SET position = greatest(h.position, f.last_position),
    first_time = least(h.first_time, f.first_time),
    time = greatest(h.time, f.last_time),
    time_ordered = h.time_ordered AND f.in_order
      AND (f.first_position > h.position AND f.first_time >= h.time
        OR $7 IS NOT NULL AND h.time >= $7 AND f.last_position >= h.position AND f.last_time >= h.time)
  FROM (
    SELECT u.*, s.place
    FROM unnest($1, $2, $3, $4, $5, $6)
      AS u (stream_name, first_position, last_position, first_time, last_time, in_order)
    CROSS JOIN LATERAL (
      SELECT s.ctid AS place FROM @extschema@.streams AS s
      WHERE md5(s.stream_name)::uuid = md5(u.stream_name)::uuid AND s.stream_name = u.stream_name
        AND NOT (s.position >= u.last_position AND s.first_time <= u.first_time AND s.time >= u.last_time)
      LIMIT 1
    ) AS s
  ) AS f
  WHERE h.ctid = f.place;

  INSERT INTO @extschema@.streams (stream_name, position, first_time, time, time_ordered)
  SELECT u.stream_name, u.last_position, u.first_time, u.last_time, u.in_order
  FROM unnest($1, $2, $3, $4, $5, $6)
    AS u (stream_name, first_position, last_position, first_time, last_time, in_order)
  WHERE (
    SELECT true FROM @extschema@.streams AS s
    WHERE md5(s.stream_name)::uuid = md5(u.stream_name)::uuid AND s.stream_name = u.stream_name
    LIMIT 1
  ) IS NULL;
END;
$$;
