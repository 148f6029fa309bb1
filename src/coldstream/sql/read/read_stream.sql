-- audience: part
-- Messages of one stream, in order of position.
--
-- The head gives the bounds in time, a mark (see mark_streams) the chunk to begin in, and from there
-- the chunks are read a window at a time, because planning over every chunk is what grows with age.
-- Positions have no gaps, so the positions of a page are known beforehand: naming them lets the
-- columnstore skip the rest of a long stream, and fewer messages than that say that some have left
-- the database, or that somebody made a gap (a plain INSERT or DELETE); then what follows it is read.
--
-- with_archived false: what has left the database is passed over, for a client that reads the archive
-- itself. listed, for the same: what has left the database is a last row, as stream_page has it. For anybody
-- else such a read is an error: a caller that works with a part of a stream takes it for all.
--
-- STABLE, so that the head, the ledger and the messages are seen at one moment; see read_positions, also
-- for what is looked at in the end, and for the settings. As many messages as there are positions are all
-- of them, whatever became of the chunks.
CREATE OR REPLACE FUNCTION @extschema@.read_stream(
  stream_name varchar,
  "position" bigint,
  batch_size bigint,
  filter text,
  condition varchar,
  with_archived boolean DEFAULT true,
  listed integer DEFAULT NULL
)
RETURNS SETOF @extschema@.message
LANGUAGE plpgsql STABLE
SET enable_sort = off
SET jit = off
SET max_parallel_workers_per_gather = 0
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  -- The condition is the caller's, and so is the path that its names are looked up by: around it alone.
  _condition_path constant text := coalesce(
    pg_catalog.current_setting('coldstream.condition_path', true), ''
  );
  _left bigint := nullif($3, -1);
  _category text := pg_catalog.split_part($1, '-', 1);
  _statement text;
  _head record;
  _check boolean := false;
  _ranges tstzrange[];
  _window record;
  _chunk_names text[] := '{}';
  _open_from timestamptz;
  _from bigint := $2;
  _to bigint;
  _missing bigint;
  _start timestamptz;
  _time timestamptz;
  _rows bigint;
  _gap @extschema@.message;
BEGIN
  _statement := @extschema@.select_messages($4, 1, $5, 'position ASC');
  SELECT h.position, h.first_time, h.time, h.time_ordered, s.closed_before, s.archive_epoch,
    @extschema@.is_mixed(s.token) AS is_mixed
  INTO _head
  FROM @extschema@.store AS s
  LEFT JOIN @extschema@.streams AS h ON pg_catalog.md5(h.stream_name)::uuid = pg_catalog.md5($1)::uuid
    AND h.stream_name = $1;
  IF NOT FOUND OR _head.is_mixed THEN
    PERFORM @extschema@.check_whole(false);
  END IF;
  IF ($2 <= _head.position) IS NOT TRUE THEN
    IF $5 IS NOT NULL OR _left < 0 THEN
      -- Over no chunk, and still run: a wrong condition or limit is an error for any stream.
      IF $5 IS NOT NULL THEN
        PERFORM pg_catalog.set_config('search_path', _condition_path, true);
      END IF;
      RETURN QUERY EXECUTE _statement USING $1, $2, _left, _category, _head.position, NULL, NULL,
        ARRAY[pg_catalog.tstzrange('infinity', 'infinity', '[]')];
    END IF;
    RETURN;
  END IF;

  -- Nothing has ever left most stores.
  IF _head.archive_epoch > 0 AND $6 THEN
    _check := @extschema@.dropped_chunk($1, _head.first_time, _head.time) IS NOT NULL;
  END IF;

  _to := _head.position;
  IF $5 IS NULL AND $6 AND _left <= _head.position - greatest($2, 0) THEN
    _to := greatest($2, 0) + _left - 1;
  END IF;
  _missing := _to - greatest($2, 0) + 1;

  -- Where the order of time or the number of messages says nothing, they are counted first.
  IF _check AND (NOT _head.time_ordered OR $5 IS NOT NULL) THEN
    IF NOT @extschema@.is_stream_present($1, $2, _to) THEN
      PERFORM @extschema@.raise_stream_archived($1, $2) WHERE $7 IS NULL;
      _gap.data := @extschema@.archived_chunks_of_stream($1, $2, $7);
      RETURN NEXT _gap;
      RETURN;
    END IF;
    _check := false;
  END IF;

  IF NOT _head.time_ordered THEN
    SELECT w.ranges, w.chunk_names INTO _window FROM @extschema@.stream_windows($1) AS w;
    _statement := @extschema@.select_messages(
      $4, pg_catalog.cardinality(_window.ranges), $5, 'position ASC'
    );
    IF $5 IS NOT NULL THEN
      PERFORM pg_catalog.set_config('search_path', _condition_path, true);
    END IF;
    RETURN QUERY EXECUTE _statement
      USING $1, $2, _left, _category, _head.position, NULL, NULL, _window.ranges;
    IF $5 IS NOT NULL THEN
      PERFORM pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true);
    END IF;
    PERFORM @extschema@.check_chunks_unchanged(_window.chunk_names, _head.closed_before);
    RETURN;
  END IF;

  _start := _head.first_time;
  IF $2 > 0 AND _start < _head.closed_before THEN
    _start := greatest(_start, pg_catalog.lower(@extschema@.marked_range(
      $1, $2, _head.position, pg_catalog.tstzrange(_start, _head.time, '[]')
    )));
  END IF;

  IF _start = _head.first_time AND _start < _head.closed_before THEN
    _start := pg_catalog.lower(@extschema@.range_around(_start));
  END IF;

  LOOP
    _time := _start;
    LOOP
      _window := @extschema@.stream_window($1, _time, _head.time, _head.closed_before);
      EXIT WHEN _window.range IS NULL;
      IF $5 IS NOT NULL THEN
        PERFORM pg_catalog.set_config('search_path', _condition_path, true);
      END IF;
      RETURN QUERY EXECUTE _statement
        USING $1, _from, _left, _category, _to, NULL, NULL, ARRAY[_window.range];
      GET DIAGNOSTICS _rows = ROW_COUNT;
      IF $5 IS NOT NULL THEN
        PERFORM pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true);
      END IF;
      _chunk_names := _chunk_names || _window.chunk_names;
      IF pg_catalog.upper(_window.range) > _head.closed_before THEN
        _open_from := _head.closed_before;
      END IF;
      _left := _left - _rows;
      _missing := _missing - _rows;
      EXIT WHEN _left <= 0 OR _missing <= 0;
      IF _check THEN
        EXIT WHEN @extschema@.stream_continues($1, _to, _window.range);
      END IF;
      _time := pg_catalog.upper(_window.range);
    END LOOP;
    EXIT WHEN _left <= 0 OR _missing <= 0;

    PERFORM @extschema@.check_chunks_unchanged(_chunk_names, _open_from);
    IF _check THEN
      PERFORM @extschema@.raise_stream_archived($1, $2) WHERE $7 IS NULL;
      _gap.data := @extschema@.archived_chunks_of_stream($1, $2, $7);
      RETURN NEXT _gap;
      RETURN;
    END IF;
    EXIT WHEN _to = _head.position;
    _from := _to + 1;
    _to := _head.position;
    _missing := _to - _from + 1;
  END LOOP;
  IF _missing > 0 THEN
    PERFORM @extschema@.check_chunks_unchanged(_chunk_names, _open_from);
    PERFORM @extschema@.check_whole(false);
  END IF;
END;
$$;
