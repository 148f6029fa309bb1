-- Writes many messages, to one stream or several, in one call and one transaction: all or none.
--
-- The arrays have one element a message, in the order of writing; metadata may be NULL for none at
-- all. expected_versions is an object from stream name to the version it is expected to have before
-- the call. Returns one row a message, in the same order.
--
-- Locks are taken in the order of their keys and heads in the order of their names, so two calls
-- that name the same categories cannot wait for each other in a circle.
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
  _store @extschema@.store;
  _ids uuid[];
  _names text[] := '{}';
  _positions bigint[] := '{}';
  _times timestamptz[] := '{}';
  _stream record;
  _head record;
  _row record;
  _chunk oid;
BEGIN
  IF cardinality($2) IS DISTINCT FROM _count
    OR cardinality($3) IS DISTINCT FROM _count
    OR cardinality($4) IS DISTINCT FROM _count
    OR ($5 IS NOT NULL AND cardinality($5) <> _count)
  THEN
    RAISE EXCEPTION 'The arrays of write_messages must have one element a message'
      USING ERRCODE = 'array_subscript_error';
  END IF;

  -- A NULL name would match no head below, and its message would not be written.
  PERFORM @extschema@.raise_null(u.stream_name, u.type, u.id)
  FROM unnest($1, $2, $3) AS u (id, stream_name, type)
  WHERE u.stream_name IS NULL OR u.type IS NULL OR u.id IS NULL;

  FOR _stream IN
    SELECT min(u.name) AS name
    FROM unnest($2) AS u (name)
    GROUP BY split_part(u.name, '-', 1)
    ORDER BY @extschema@.hash_64(split_part(min(u.name), '-', 1)::varchar)
  LOOP
    PERFORM @extschema@.acquire_lock(_stream.name);
  END LOOP;

  SELECT s.* INTO _store FROM @extschema@.store AS s;

  FOR _stream IN
    SELECT u.name, count(*) AS messages, ($6 ->> u.name)::bigint AS expected_version
    FROM unnest($2) AS u (name)
    GROUP BY u.name
    ORDER BY u.name
  LOOP
    _head := @extschema@.advance_head(_stream.name, _stream.messages, _stream.expected_version);
    IF _head.time > clock_timestamp() + _store.max_clock_lead THEN
      PERFORM @extschema@.raise_clock_behind(_stream.name, _head.time);
    END IF;
    _names := _names || _stream.name;
    _positions := _positions || _head.position;
    _times := _times || _head.time;
  END LOOP;

  _ids := $1::uuid[];
  PERFORM @extschema@.check_ids(_ids, _store.rows_since);

  -- See write_message_returning.
  PERFORM set_config('coldstream.writing', 'on', true);
  FOR _row IN
    WITH numbered AS (
      SELECT u.*, row_number() OVER (PARTITION BY u.stream_name ORDER BY u.n) - 1 AS nth
      FROM unnest(_ids, $2, $3, $4, coalesce($5, array_fill(NULL::jsonb, ARRAY[_count])))
        WITH ORDINALITY AS u (id, stream_name, type, data, metadata, n)
    )
    INSERT INTO @extschema@.messages (id, stream_name, position, type, data, metadata, time)
    SELECT n.id, n.stream_name, h.position + n.nth, n.type, n.data, n.metadata, h.time
    FROM numbered AS n
    JOIN unnest(_names, _positions, _times) AS h (name, position, time) ON h.name = n.stream_name
    ORDER BY n.n
    RETURNING messages.position, messages.global_position, messages.time, messages.tableoid
  LOOP
    IF _row.tableoid IS DISTINCT FROM _chunk THEN
      PERFORM @extschema@.admit_time(_row.time, _row.tableoid);
      _chunk := _row.tableoid;
    END IF;
    write_messages.position := _row.position;
    write_messages.global_position := _row.global_position;
    RETURN NEXT;
  END LOOP;
  PERFORM set_config('coldstream.writing', 'off', true);
END;
$$;
