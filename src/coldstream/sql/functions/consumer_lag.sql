-- How many messages of a source are at or after a position, and when the first of them was written. source
-- is a category, a stream's name, or '' for everything. size: as many members share a category, and the
-- answer is about one of them.
--
-- Of a stream the number is exact. Otherwise it is exact but for the closed chunk that the position is
-- in, where the ledger's density is used, and beyond 100,000 messages of chunks that are not closed.
-- oldest is NULL where there is none; where the message has left the database, it is when its chunk
-- begins.
CREATE OR REPLACE FUNCTION @extschema@.consumer_lag(
  source text,
  "position" bigint,
  size integer DEFAULT 1,
  OUT messages bigint,
  OUT oldest timestamptz
)
RETURNS record
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
  _counted constant bigint := 100000;
  _category text := nullif($1, '');
  _range tstzrange;
  _last bigint;
  _found record;
  _open bigint := 0;
  _detail text;
BEGIN
  IF pg_catalog.strpos($1, '-') > 0 THEN
    messages := greatest(coalesce(@extschema@.stream_version($1), -1) + 1 - $2, 0);
  ELSE
    SELECT s.last_value INTO _last FROM @extschema@.messages_global_position_seq AS s;
    IF _category IS NULL THEN
      SELECT pg_catalog.sum(
        c.messages::numeric * (c.last_global_position - greatest($2, c.first_global_position) + 1)
          / (c.last_global_position - c.first_global_position + 1)
      ) INTO messages
      FROM @extschema@.chunks AS c WHERE c.state <> 'open' AND c.last_global_position >= $2;
    ELSE
      SELECT pg_catalog.sum(
        c.messages::numeric * (c.last_global_position - greatest($2, c.first_global_position) + 1)
          / (c.last_global_position - c.first_global_position + 1)
      ) INTO messages
      FROM @extschema@.chunk_categories AS c
      JOIN @extschema@.chunks AS k ON k.range_start = c.range_start AND k.state <> 'open'
      WHERE c.category = _category AND c.last_global_position >= $2;
    END IF;
    FOREACH _range IN ARRAY (
      SELECT o.ranges FROM @extschema@.store AS s, @extschema@.open_ranges(s.closed_before) AS o
    ) LOOP
      EXECUTE 'SELECT count(*) AS messages, max(r.global_position) AS last FROM (
          SELECT m.global_position FROM @extschema@.messages AS m
          WHERE m.global_position >= $1 AND m.time >= pg_catalog.lower($2)
            AND m.time < pg_catalog.upper($2)' || CASE WHEN _category IS NULL THEN '' ELSE '
            AND m.stream_category = $4' END || '
          ORDER BY m.global_position LIMIT $3
        ) AS r'
      INTO _found USING $2, _range, _counted, _category;
      IF _found.messages = _counted THEN
        _found.messages := _found.messages * greatest(_last - $2 + 1, 1) / (_found.last - $2 + 1);
      END IF;
      _open := _open + _found.messages;
    END LOOP;
    messages := pg_catalog.ceil((coalesce(messages, 0) + _open) / $3::numeric);
  END IF;

  IF messages > 0 THEN
    BEGIN
      IF pg_catalog.strpos($1, '-') > 0 THEN
        SELECT m.time AT TIME ZONE 'UTC' INTO oldest
        FROM @extschema@.get_stream_messages($1, $2, 1) AS m;
      ELSE
        SELECT m.time AT TIME ZONE 'UTC' INTO oldest
        FROM @extschema@.read_positions(
          _category, $2, 1, @extschema@.category_filter(_category, NULL, NULL, NULL)
        ) AS m;
      END IF;
    EXCEPTION
      WHEN SQLSTATE 'CS001' THEN
        GET STACKED DIAGNOSTICS _detail = PG_EXCEPTION_DETAIL;
        oldest := _detail::jsonb ->> 'range_start';
    END;
  END IF;
END;
$$;
