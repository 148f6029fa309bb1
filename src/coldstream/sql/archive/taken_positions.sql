-- audience: internal; needs timescale
-- Which positions of streams, within these bounds, the database has outside of a range of time: what the
-- archive has of the range may not be among them. The heads tell of nearly every stream that none can be.
CREATE OR REPLACE FUNCTION @extschema@.taken_positions(
  stream_names text[],
  first_positions bigint[],
  last_positions bigint[],
  range_start timestamptz,
  range_end timestamptz
)
RETURNS TABLE (stream_name text, "position" bigint)
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
  _names text[];
  _firsts bigint[];
  _lasts bigint[];
BEGIN
  SELECT array_agg(u.stream_name), array_agg(u.first_position), array_agg(u.last_position)
  INTO _names, _firsts, _lasts
  FROM unnest($1, $2, $3) AS u (stream_name, first_position, last_position)
  WHERE u.first_position <= (
    SELECT s.position FROM @extschema@.streams AS s
    WHERE md5(s.stream_name)::uuid = md5(u.stream_name)::uuid AND s.stream_name = u.stream_name
    LIMIT 1
  );
  IF _names IS NULL THEN
    RETURN;
  END IF;
  RETURN QUERY EXECUTE
    'SELECT u.stream_name, m.position
     FROM unnest($1, $2, $3) AS u (stream_name, first_position, last_position)
     CROSS JOIN LATERAL (
       SELECT m.position FROM @extschema@.messages AS m
       WHERE m.stream_name = u.stream_name AND m.stream_category = split_part(u.stream_name, ''-'', 1)
         AND m.position BETWEEN u.first_position AND u.last_position
         AND NOT (m.time >= $4 AND m.time < $5)
       OFFSET 0
     ) AS m'
    USING _names, _firsts, _lasts, $4, $5;
END;
$$;
