-- audience: application
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
  _ids uuid[];
  _positions bigint[];
  _times timestamptz[];
  _first_time timestamptz;
  _last_time timestamptz;
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

  PERFORM @extschema@.acquire_locks($2);

  -- All heads in one statement. A message's position is its head's new one less the messages of its
  -- stream that come after it. What was expected is compared afterwards: a head that moves wrongly
  -- moves back with the error.
  WITH numbered AS MATERIALIZED (
    SELECT u.name, u.number,
      row_number() OVER (PARTITION BY u.name COLLATE "C" ORDER BY u.number DESC) AS from_last
    FROM unnest($2) WITH ORDINALITY AS u (name, number)
  ), moved AS (
    INSERT INTO @extschema@.streams AS s (stream_name, position, first_time, time)
    SELECT n.name, count(*) - 1, clock_timestamp(), clock_timestamp()
    FROM numbered AS n
    GROUP BY n.name
    ORDER BY n.name COLLATE "C"
    ON CONFLICT ((md5(stream_name)::uuid)) DO UPDATE
      SET position = s.position + excluded.position + 1,
        time = greatest(clock_timestamp(), s.time)
      WHERE s.stream_name = excluded.stream_name
    RETURNING s.stream_name, s.position, s.time
  )
  SELECT array_agg(o.position), array_agg(o.time), min(o.time), max(o.time)
  INTO _positions, _times, _first_time, _last_time
  FROM (
    SELECT m.position - n.from_last + 1 AS position, m.time
    FROM numbered AS n
    JOIN moved AS m ON m.stream_name = n.name
    ORDER BY n.number
  ) AS o;

  -- A name whose hash another stream has did not move a head, and its messages have no positions.
  IF cardinality(_positions) IS DISTINCT FROM _count THEN
    PERFORM @extschema@.check_heads($2);
  END IF;

  IF $6 IS NOT NULL THEN
    PERFORM @extschema@.raise_wrong_version(h.name, ($6 ->> h.name)::bigint, h.version)
    FROM (
      SELECT u.name, min(u.position) - 1 AS version
      FROM unnest($2, _positions) AS u (name, position)
      GROUP BY u.name
    ) AS h
    WHERE ($6 ->> h.name)::bigint <> h.version
    ORDER BY h.name COLLATE "C";
  END IF;
  IF _last_time > clock_timestamp() THEN
    PERFORM @extschema@.check_clock(h.name, h.time)
    FROM (SELECT DISTINCT u.name, u.time FROM unnest($2, _times) AS u (name, time)) AS h;
  END IF;

  -- Drawn only now: a call that another writer was ahead of leaves no gap.
  _global_positions := ARRAY(
    SELECT nextval('@extschema@.messages_global_position_seq') FROM generate_series(1, _count)
  );
  _ids := $1;
  -- In the select list the arrays are read element by element, where FROM unnest(...) would first put a
  -- copy of all of them aside. They have one length, or NULLs would fill the shorter ones up.
  INSERT INTO @extschema@.messages
    (global_position, position, time, stream_name, type, data, metadata, id, position_bucket,
    correlation_category)
  SELECT u.global_position, u.position, u.time, u.stream_name, u.type, to_json(u.data),
    to_json(u.metadata), u.id, u.global_position >> 14,
    coalesce(split_part(u.metadata ->> 'correlationStreamName', '-', 1), '-')
  FROM (
    SELECT unnest(_global_positions) AS global_position, unnest(_positions) AS position,
      unnest(_times) AS time, unnest($2) AS stream_name, unnest($3) AS type, unnest($4) AS data,
      unnest($5) AS metadata, unnest(_ids) AS id
  ) AS u;

  INSERT INTO @extschema@.recent_ids (id, global_position)
  SELECT unnest(_ids), unnest(_global_positions);

  -- The earliest is enough to see that none is late; each has to be let in where one is.
  IF (_first_time < to_timestamp(
    least(pg_sequence_last_value('@extschema@.closed_before') # @extschema@.store_token(), 9000000000000)
  )) IS NOT FALSE THEN
    PERFORM @extschema@.admit_time(u.time) FROM (SELECT DISTINCT unnest(_times) AS time) AS u;
  END IF;

  RETURN QUERY SELECT unnest(_positions), unnest(_global_positions);
END;
$$;
