-- audience: application
-- Where messages with these ids are in these streams: the n-th id in the n-th stream. A row for each that
-- is found, in no order; and one without positions for each that is not in the database and may be in
-- what has left it. With the epoch of the archive that this is true of.
--
-- recent_ids has every id from the position ids_from on. What is before that is looked for in the chunks
-- of the stream's lifetime: by the filters of the columnstore, a few chunks a statement. So a stream that
-- is younger than the columnstore costs a look at the ledger, and another as much as it has chunks.
CREATE OR REPLACE FUNCTION @extschema@.find_messages(stream_names varchar[], ids uuid[])
RETURNS TABLE (
  stream_name varchar,
  id uuid,
  "position" bigint,
  global_position bigint,
  archive_epoch bigint
)
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
  -- Chunks that a statement opens at most.
  _most constant integer := 8;
  _sought record;
  _known record;
  _found record;
  _head @extschema@.streams;
  _chunk record;
  _ids uuid[];
  _starts timestamptz[];
  _ends timestamptz[];
  _ids_from bigint;
  _epoch bigint;
  _is_gone boolean;
BEGIN
  FOR _sought IN
    SELECT u.stream_name AS name, split_part(u.stream_name, '-', 1) AS category,
      array_agg(DISTINCT u.id) AS ids
    FROM unnest($1, $2) AS u (stream_name, id)
    GROUP BY u.stream_name
  LOOP
    SELECT s.* INTO _head FROM @extschema@.streams AS s
    WHERE md5(s.stream_name)::uuid = md5(_sought.name)::uuid AND s.stream_name = _sought.name;
    CONTINUE WHEN _head IS NULL;
    _ids := _sought.ids;

    -- First, because an id leaves here after its message came into the columnstore.
    FOR _known IN
      SELECT r.id, r.global_position AS position FROM @extschema@.recent_ids AS r WHERE r.id = ANY (_ids)
    LOOP
      SELECT s.archive_epoch INTO _epoch FROM @extschema@.store AS s;
      FOR _found IN
        SELECT m.position, m.global_position
        FROM @extschema@.read_positions(
          _sought.category, _known.position, 1,
          @extschema@.category_filter(_sought.category, NULL, NULL, NULL),
          archive_epoch => _epoch, last_position => _known.position
        ) AS m
        WHERE m.id = _known.id::text AND m.stream_name = _sought.name
      LOOP
        _ids := array_remove(_ids, _known.id);
        RETURN QUERY SELECT _sought.name, _known.id, _found.position, _found.global_position, _epoch;
      END LOOP;
    END LOOP;
    CONTINUE WHEN _ids = '{}';

    SELECT s.ids_from, s.archive_epoch INTO _ids_from, _epoch FROM @extschema@.store AS s;
    _is_gone := false;
    _starts := '{}';
    _ends := '{}';
    FOR _chunk IN
      SELECT c.range_start, c.range_end, c.state
      FROM @extschema@.chunks AS c
      WHERE c.range_end > _head.first_time AND c.range_start <= _head.time
        -- The messages of an open chunk are of any position, if it was compressed before.
        AND CASE
          WHEN c.state = 'open' THEN c.compressed_at IS NOT NULL
            OR @extschema@.columnstore_of(to_regclass(c.chunk_name)) IS NOT NULL
          ELSE (c.state = 'dropped' OR c.first_global_position < _ids_from) AND EXISTS (
            SELECT FROM @extschema@.chunk_categories AS k
            WHERE k.range_start = c.range_start AND k.category = _sought.category
          )
        END
      ORDER BY c.range_start DESC
    LOOP
      IF _chunk.state = 'dropped' THEN
        _is_gone := true;
      ELSE
        _starts := _starts || greatest(_chunk.range_start, _head.first_time);
        _ends := _ends || _chunk.range_end;
      END IF;
    END LOOP;

    FOR _from IN 1 .. cardinality(_starts) BY _most LOOP
      -- Planned for these times: a plan for any would be one over every chunk there is.
      FOR _found IN EXECUTE (
        SELECT string_agg(
          format(
            'SELECT m.id, m.position, m.global_position FROM @extschema@.messages AS m
             WHERE m.time >= $3[%1$s] AND m.time < $4[%1$s] AND m.stream_category = $5
               AND m.stream_name = $1 AND m.id = ANY ($2)', n.number
          ), ' UNION ALL '
        )
        FROM generate_series(_from, least(_from + _most - 1, cardinality(_starts))) AS n (number)
      ) USING _sought.name, _ids, _starts, _ends, _sought.category
      LOOP
        CONTINUE WHEN _found.id <> ALL (_ids);
        _ids := array_remove(_ids, _found.id);
        RETURN QUERY
        SELECT _sought.name, _found.id, _found.position, _found.global_position, _epoch;
      END LOOP;
      EXIT WHEN _ids = '{}';
    END LOOP;

    IF _is_gone THEN
      RETURN QUERY
      SELECT _sought.name, u.id, NULL::bigint, NULL::bigint, _epoch FROM unnest(_ids) AS u (id);
    END IF;
  END LOOP;
END;
$$;
