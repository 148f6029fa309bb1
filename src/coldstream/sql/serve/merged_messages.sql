-- audience: part; needs timescale
-- The next messages of a stream from a position on, row_limit at most: what archive and database have of it
-- together, at one moment of the ledger. The first ones of both are among the first of each.
--
-- A gap that a range may explain which was dropped by force is an error; what comes before it is given first.
CREATE OR REPLACE FUNCTION @extschema@.merged_messages(
  stream_name varchar,
  "position" bigint,
  row_limit bigint
)
RETURNS @extschema@.message[]
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  _part record;
  _in_database @extschema@.message[];
  _epoch bigint;
  _found @extschema@.message[];
  _hidden bigint;
  _expected bigint;
  _tries integer := 0;
  -- The message before tells whether a range that is nowhere comes after it.
  _from constant bigint := greatest($2 - 1, 0);
  _limit constant bigint := $3 + 1;
BEGIN
  LOOP
    _part := @extschema@.archived_part_of_stream($1, _from, 2147483647, _limit);
    _in_database := (
      SELECT pg_catalog.array_agg(m.*::@extschema@.message)
      FROM @extschema@.get_stream_messages_in_database($1, _from, _limit) AS m
    );
    SELECT s.archive_epoch INTO _epoch FROM @extschema@.store AS s;
    EXIT WHEN _epoch = _part.epoch;
    _tries := _tries + 1;
    IF _tries = 20 THEN
      RAISE EXCEPTION 'Messages came or left during the read of %', $1
        USING ERRCODE = 'serialization_failure', HINT = 'Read again.';
    END IF;
  END LOOP;

  -- What came back is in both.
  _found := (
    SELECT pg_catalog.array_agg(d.message ORDER BY d.position)
    FROM (
      SELECT DISTINCT ON (u.position) u.position,
        ROW(u.id, u.stream_name, u.type, u.position, u.global_position, u.data, u.metadata, u.time
        )::@extschema@.message AS message
      FROM (
        SELECT a.* FROM pg_catalog.unnest(_part.messages) AS a
        UNION ALL
        SELECT b.* FROM pg_catalog.unnest(_in_database) AS b
      ) AS u
      ORDER BY u.position
      LIMIT _limit
    ) AS d
  );

  IF pg_catalog.cardinality(_part.gone) > 0 THEN
    SELECT h.number, h.expected INTO _hidden, _expected
    FROM (
      SELECT u.number, u.time AS after_time,
        pg_catalog.lag(u.time) OVER by_number AS before_time,
        coalesce(pg_catalog.lag(u.position) OVER by_number + 1, _from) AS expected,
        u.position
      FROM (
        SELECT f.position, f.time AT TIME ZONE 'UTC' AS time, f.number
        FROM pg_catalog.unnest(_found) WITH ORDINALITY AS f (
          id, stream_name, type, position, global_position, data, metadata, time, number
        )
        UNION ALL
        -- The stream's end, where there is nothing after what was found.
        SELECT v.version + 1, NULL, coalesce(pg_catalog.cardinality(_found), 0) + 1
        FROM @extschema@.stream_version($1) AS v (version)
        WHERE coalesce(pg_catalog.cardinality(_found), 0) < _limit
      ) AS u
      WINDOW by_number AS (ORDER BY u.number)
    ) AS h
    WHERE h.position > greatest(h.expected, $2) AND EXISTS (
      SELECT FROM pg_catalog.unnest(_part.gone) AS g (range)
      -- Where positions do not follow time, the times of the two say nothing.
      WHERE NOT _part.in_order
        OR (h.before_time IS NULL OR pg_catalog.upper(g.range) > h.before_time)
          AND (h.after_time IS NULL OR pg_catalog.lower(g.range) <= h.after_time)
    )
    ORDER BY h.number
    LIMIT 1;
    IF FOUND THEN
      _found := _found[:_hidden - 1];
    END IF;
  END IF;

  _found := (
    SELECT pg_catalog.array_agg(d.message ORDER BY d.position)
    FROM (
      SELECT f.position,
        ROW(f.id, f.stream_name, f.type, f.position, f.global_position, f.data, f.metadata, f.time
        )::@extschema@.message AS message
      FROM pg_catalog.unnest(_found) AS f
      WHERE f.position >= $2
      ORDER BY f.position
      LIMIT $3
    ) AS d
  );
  IF _hidden IS NOT NULL AND _found IS NULL THEN
    PERFORM @extschema@.raise_stream_archived($1, greatest(_expected, $2));
  END IF;
  RETURN coalesce(_found, '{}');
END;
$$;
