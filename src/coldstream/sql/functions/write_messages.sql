-- Writes many messages, to one stream or several, in one call and one transaction: all or none.
--
-- The arrays have one element a message, in the order of writing; metadata may be NULL for none at
-- all. expected_versions is an object from stream name to the version it is expected to have before
-- the call. Returns one row a message, in the same order.
--
-- The order of work is write_message's, and so are its reasons. Locks are taken in the order of their
-- keys and heads in the order of their names, so two calls that name the same categories cannot wait
-- for each other in a circle.
CREATE OR REPLACE FUNCTION @extschema@.write_messages(
  ids varchar[],
  stream_names varchar[],
  types varchar[],
  data jsonb[],
  metadata jsonb[] DEFAULT NULL,
  expected_versions jsonb DEFAULT NULL
)
RETURNS TABLE ("position" bigint, global_position bigint)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
  _count integer := cardinality($1);
  _category record;
  _names text[];
  _versions bigint[];
  _times timestamptz[];
  _time timestamptz;
  _streams bigint;
  _positions bigint[];
  _global_positions bigint[];
BEGIN
  IF cardinality($2) IS DISTINCT FROM _count
    OR cardinality($3) IS DISTINCT FROM _count
    OR cardinality($4) IS DISTINCT FROM _count
    OR ($5 IS NOT NULL AND cardinality($5) <> _count)
  THEN
    RAISE EXCEPTION 'The arrays of write_messages must have one element a message'
      USING ERRCODE = 'array_subscript_error';
  ELSIF array_position($1, NULL) IS NOT NULL
    OR array_position($2, NULL) IS NOT NULL
    OR array_position($3, NULL) IS NOT NULL
  THEN
    PERFORM @extschema@.raise_null(u.stream_name, u.type, u.id)
    FROM unnest($1, $2, $3) AS u (id, stream_name, type)
    WHERE u.stream_name IS NULL OR u.type IS NULL OR u.id IS NULL;
  END IF;

  FOR _category IN
    SELECT c.name, @extschema@.hash_64(c.name::varchar) AS key
    FROM (SELECT DISTINCT split_part(u.name, '-', 1) AS name FROM unnest($2) AS u (name)) AS c
    ORDER BY 2
  LOOP
    PERFORM @extschema@.acquire_lock(_category.name);
  END LOOP;

  -- All heads in one statement. What was expected is compared with where they were, which is where
  -- they are now less the messages: a head that moves wrongly moves back with the error.
  WITH counted AS MATERIALIZED (
    SELECT u.name, count(*) AS messages
    FROM unnest($2) AS u (name)
    GROUP BY u.name
    ORDER BY u.name COLLATE "C"
  ), moved AS (
    INSERT INTO @extschema@.streams AS s (stream_name, position, first_time, time)
    SELECT c.name, c.messages - 1, clock_timestamp(), clock_timestamp()
    FROM counted AS c
    ON CONFLICT ((md5(stream_name)::uuid)) DO UPDATE
      SET position = s.position + excluded.position + 1,
        time = greatest(clock_timestamp(), s.time)
      WHERE s.stream_name = excluded.stream_name
    RETURNING s.stream_name, s.position, s.time
  )
  SELECT array_agg(m.stream_name), array_agg(m.position - c.messages), array_agg(m.time), max(m.time),
    (SELECT nullif(count(*), 0) FROM counted)
  INTO _names, _versions, _times, _time, _streams
  FROM moved AS m
  JOIN counted AS c ON c.name = m.stream_name;

  -- A name whose hash another stream has did not move a head. Its messages would be left out below.
  IF cardinality(_names) IS DISTINCT FROM _streams THEN
    PERFORM @extschema@.raise_wrong_version(u.name, NULL)
    FROM unnest($2) AS u (name)
    WHERE u.name <> ALL (coalesce(_names, '{}'));
  END IF;

  IF $6 IS NOT NULL THEN
    PERFORM @extschema@.raise_wrong_version(h.name, ($6 ->> h.name)::bigint, h.version)
    FROM unnest(_names, _versions) AS h (name, version)
    WHERE ($6 ->> h.name)::bigint <> h.version
    ORDER BY h.name COLLATE "C";
  END IF;
  IF _time > clock_timestamp() THEN
    PERFORM @extschema@.check_clock(h.name, h.time) FROM unnest(_names, _times) AS h (name, time);
  END IF;

  -- Positions are drawn in the order of the arrays: nextval is outside of what is sorted.
  SELECT array_agg(d.global_position), array_agg(d.position), array_agg(d.time)
  INTO _global_positions, _positions, _times
  FROM (
    SELECT nextval('@extschema@.messages_global_position_seq') AS global_position, o.position, o.time
    FROM (
      SELECT h.version + n.nth AS position, h.time
      FROM (
        SELECT u.name, u.number,
          row_number() OVER (PARTITION BY u.name COLLATE "C" ORDER BY u.number) AS nth
        FROM unnest($2) WITH ORDINALITY AS u (name, number)
      ) AS n
      JOIN unnest(_names, _versions, _times) AS h (name, version, time) ON h.name = n.name
      ORDER BY n.number
    ) AS o
  ) AS d;

  INSERT INTO @extschema@.messages
    (global_position, position, time, stream_name, type, data, metadata, id, position_bucket)
  SELECT u.global_position, u.position, u.time, u.stream_name, u.type, u.data, u.metadata, u.id,
    u.global_position >> 14
  FROM unnest(
    _global_positions, _positions, _times, $2, $3, $4,
    coalesce($5, array_fill(NULL::jsonb, ARRAY[_count])), $1::uuid[]
  ) AS u (global_position, position, time, stream_name, type, data, metadata, id);

  INSERT INTO @extschema@.recent_ids (id, global_position)
  SELECT u.id, u.global_position FROM unnest($1::uuid[], _global_positions) AS u (id, global_position);

  -- The earliest is enough to see that none is late; each has to be let in where one is.
  IF (SELECT min(u.time) FROM unnest(_times) AS u (time))
    < to_timestamp(pg_sequence_last_value('@extschema@.closed_before'))
  THEN
    PERFORM @extschema@.admit_time(u.time) FROM (SELECT DISTINCT unnest(_times) AS time) AS u;
  END IF;

  RETURN QUERY SELECT * FROM unnest(_positions, _global_positions);
END;
$$;
