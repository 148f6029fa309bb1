-- audience: internal
-- Brings history along: messages with positions and times of their own, as plain INSERTs of them in
-- this order would, by a few statements for all of them where the trigger has several for each.
-- Returns their global positions, in order: new ones, or those that are given.
--
-- Here as there: the category locks first; a position or an id that exists is refused as Message
-- DB's unique indexes refuse it; a range that has been sealed is refused, and a time that would stop
-- others; the heads and the ledger stay true. Only a message that is there already, with its position
-- and its id, is left as it is: an import that was broken off is run again as a whole. Not for the application's role: who chooses times can put a stream out of its order.
CREATE OR REPLACE FUNCTION @extschema@.import_messages(
  positions bigint[],
  times timestamptz[],
  stream_names varchar[],
  types varchar[],
  data jsonb[],
  metadata jsonb[],
  ids uuid[],
  global_positions bigint[] DEFAULT NULL
)
RETURNS SETOF bigint
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
  _existing bigint[];
  _rest record;
  _all_moved boolean;
  _global_positions bigint[];
BEGIN
  PERFORM @extschema@.check_time(u.stream_name, u.time)
  FROM unnest($3, $2) AS u (stream_name, time)
  WHERE u.time > clock_timestamp() OR u.time < '0100-01-01 00:00:00+00';

  PERFORM @extschema@.acquire_locks($3);

  PERFORM @extschema@.raise_exists(
    'messages_stream', format('(stream_name, "position")=(%s, %s)', u.stream_name, u.position)
  )
  FROM unnest($3, $1) AS u (stream_name, position)
  GROUP BY u.stream_name, u.position
  HAVING count(*) > 1
  LIMIT 1;

  -- Heads are looked up one by one: the planner would rather hash all there are, as long as they are
  -- not too many. A stream that only goes on, as nearly every one, costs no look into its chunks.
  IF EXISTS (
    SELECT FROM (
      SELECT u.stream_name, min(u.position) AS position
      FROM unnest($3, $1) AS u (stream_name, position)
      GROUP BY u.stream_name
    ) AS f
    WHERE f.position <= (
      SELECT s.position FROM @extschema@.streams AS s
      WHERE md5(s.stream_name)::uuid = md5(f.stream_name)::uuid AND s.stream_name = f.stream_name
    )
  ) THEN
    _existing := @extschema@.imported_before($1, $3, $7);
  END IF;
  IF array_length(_existing, 1) > 0 THEN
    SELECT array_agg(u.position) AS positions, array_agg(u.time) AS times,
      array_agg(u.stream_name) AS stream_names, array_agg(u.type) AS types,
      array_agg(u.data) AS data, array_agg(u.metadata) AS metadata, array_agg(u.id) AS ids,
      CASE WHEN $8 IS NOT NULL THEN array_agg(u.global_position) END AS global_positions
    INTO _rest
    FROM unnest($1, $2, $3, $4, $5, $6, $7, $8, _existing)
      AS u (position, time, stream_name, type, data, metadata, id, global_position, existing)
    WHERE u.existing IS NULL;
    IF cardinality(_rest.positions) > 0 THEN
      _global_positions := ARRAY(
        SELECT i.number FROM @extschema@.import_messages(
          _rest.positions, _rest.times, _rest.stream_names, _rest.types, _rest.data, _rest.metadata,
          _rest.ids, _rest.global_positions
        ) AS i (number)
      );
    END IF;
    RETURN QUERY
    SELECT coalesce(
      u.existing, _global_positions[count(*) FILTER (WHERE u.existing IS NULL) OVER (ORDER BY u.number)]
    )
    FROM unnest(_existing) WITH ORDINALITY AS u (existing, number)
    ORDER BY u.number;
    RETURN;
  END IF;

  -- The heads stand still until this INSERT moves them: every writer of theirs needs the lock.
  WITH grouped AS MATERIALIZED (
    SELECT o.stream_name, bool_and(o.in_order) AS in_order,
      min(o.position) AS first_position, max(o.position) AS last_position,
      min(o.time) AS first_time, max(o.time) AS last_time
    FROM (
      SELECT u.stream_name, u.position, u.time, coalesce(
        u.position > lag(u.position) OVER w AND u.time >= lag(u.time) OVER w, true
      ) AS in_order
      FROM unnest($3, $1, $2) WITH ORDINALITY AS u (stream_name, position, time, number)
      WINDOW w AS (PARTITION BY u.stream_name COLLATE "C" ORDER BY u.number)
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
    PERFORM @extschema@.check_heads($3);
  END IF;

  IF $8 IS NULL THEN
    _global_positions := ARRAY(
      SELECT nextval('@extschema@.messages_global_position_seq')
      FROM generate_series(1, cardinality($1))
    );
  ELSE
    PERFORM @extschema@.keep_global_positions($8);
    _global_positions := $8;
  END IF;
  INSERT INTO @extschema@.messages
    (global_position, position, time, stream_name, type, data, metadata, id, position_bucket,
    correlation_category)
  SELECT u.global_position, u.position, u.time, u.stream_name, u.type, to_json(u.data),
    to_json(u.metadata), u.id, u.global_position >> 14,
    coalesce(split_part(u.metadata ->> 'correlationStreamName', '-', 1), '-')
  FROM (
    SELECT unnest(_global_positions) AS global_position, unnest($1) AS position,
      unnest($2) AS time, unnest($3) AS stream_name, unnest($4) AS type, unnest($5) AS data,
      unnest($6) AS metadata, unnest($7) AS id
  ) AS u;

  INSERT INTO @extschema@.recent_ids (id, global_position)
  SELECT unnest($7), unnest(_global_positions);

  -- After the INSERT, which holds the locks of the chunks: see admit_time. The list of chunks takes the
  -- longer the more there are, so it is looked at only where a time is late.
  IF (
    (SELECT min(u.time) FROM unnest($2) AS u (time))
      < to_timestamp(
        least(pg_sequence_last_value('@extschema@.closed_before') # @extschema@.store_token(), 9000000000000)
      )
  ) IS NOT FALSE THEN
    PERFORM @extschema@.admit_time(c.time)
    FROM (
      SELECT min(u.time) AS time
      FROM unnest($2) AS u (time)
      JOIN @extschema@.hypertable_chunks() AS h ON u.time >= h.range_start AND u.time < h.range_end
      GROUP BY h.range_start
    ) AS c;
  END IF;

  RETURN QUERY SELECT unnest(_global_positions);
END;
$$;
