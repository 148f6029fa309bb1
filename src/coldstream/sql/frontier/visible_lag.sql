-- audience: part
-- consumer_lag, at one moment: see there, and for why read_positions.
CREATE OR REPLACE FUNCTION @extschema@.visible_lag(
  source text,
  "position" bigint,
  size integer,
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
  _closed_before constant timestamptz := (SELECT s.closed_before FROM @extschema@.store AS s);
  _ranges record;
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
    _ranges := @extschema@.open_ranges(_closed_before);
    FOREACH _range IN ARRAY _ranges.ranges LOOP
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
    PERFORM @extschema@.check_chunks_unchanged(_ranges.chunk_names, _closed_before);
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
