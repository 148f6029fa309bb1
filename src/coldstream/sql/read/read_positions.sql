-- audience: part
-- Messages of a category (NULL: of every one) in order of global position, up to last_position.
--
-- Walks global positions in steps. A step covers the positions that the ledger expects to fill the
-- page, and opens only the chunks whose recorded ranges touch them, so a page costs the same with any
-- number of chunks. Open chunks join from the first position they hold.
--
-- STABLE, so that the ledger and the messages are seen at one moment: a chunk that closes or is opened
-- again in between would be read twice or not at all. What TimescaleDB does to a chunk meanwhile is the
-- exception, which check_chunks_unchanged finds: then this fails (40001) after it has read, so its caller
-- must take nothing before its end.
--
-- The settings: with parallel workers, compiled code or a sort of everything the planner would answer
-- a filter whose effect it underestimates; pages are read in the order of an index, or sorted by the
-- bucket. enable_sort does not forbid the sort that has no alternative. random_page_cost is lower for a step
-- in rows: else the planner prefers the index of all categories, whose rows lie in order, to the category's
-- own, though both read the same pages, and the former every other category's rows: twice the time of a hot
-- page, and of a rare category twenty times. The columnstore's small tables are read faster as a whole.
--
-- in_order false: what comes out of the columnstore comes as it is there.
--
-- archive_epoch NULL: a step that reaches history which has left the database is an error (or skips
-- it, see archived_reads). Otherwise the caller reads the archive itself and gets the database's
-- share; it names the epoch of the ledger it knows, and gets an error once that is no longer true. Or, listed:
-- such a step is a last row without an id, whose global position is where the step begins and whose data is
-- what the ledger lists from there on (see archived_chunks), of this many chunks.
CREATE OR REPLACE FUNCTION @extschema@.read_positions(
  category varchar,
  "position" bigint,
  batch_size bigint,
  filter text,
  condition varchar DEFAULT NULL,
  correlation varchar DEFAULT NULL,
  consumer_group_member bigint DEFAULT NULL,
  consumer_group_size bigint DEFAULT NULL,
  archive_epoch bigint DEFAULT NULL,
  last_position bigint DEFAULT 9223372036854775807,
  in_order boolean DEFAULT true,
  listed integer DEFAULT NULL
)
RETURNS SETOF @extschema@.message
LANGUAGE plpgsql STABLE
SET enable_sort = off
SET plan_cache_mode = force_generic_plan
SET jit = off
SET random_page_cost = 1.1
SET work_mem = '32MB'
SET max_parallel_workers_per_gather = 0
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  -- The condition is the caller's, and so is the path that its names are looked up by: around it alone.
  _condition_path constant text := coalesce(
    pg_catalog.current_setting('coldstream.condition_path', true), ''
  );
  _statement text;
  -- None is asked for: then none has left.
  _strict constant boolean := $9 IS NULL AND $3 <> 0
    AND ($12 IS NOT NULL OR @extschema@.archived_reads() <> 'skip');
  _max_chunks integer := 4;
  _is_filtered constant boolean := pg_catalog.num_nonnulls($5, $6, $7) > 0;
  -- What a filter takes away is not known before. Most messages of a category that is asked for by
  -- correlation have one, so that half of them fill a page; of a condition or a group nothing is assumed.
  _room double precision := CASE WHEN $6 IS NULL THEN 1.25 ELSE 2.5 END;
  _whole_buckets boolean := pg_catalog.num_nonnulls($5, $7) > 0;
  _from bigint := $2;
  _to bigint;
  _left bigint := nullif($3, -1);
  _rows bigint;
  _given bigint := 0;
  _counted bigint := 0;
  _store record;
  _open record;
  _open_first bigint;
  _open_known boolean := false;
  _closed @extschema@.chunk_range[];
  _chunk @extschema@.chunk_range;
  _ranges tstzrange[];
  _range tstzrange;
  -- Of all chunks that were looked into.
  _chunk_names text[];
  _in_rows boolean;
  _was_in_rows boolean := false;
  _is_unchanged boolean;
  _is_empty boolean := true;
  _gap @extschema@.message;
BEGIN
  SELECT s.archive_epoch, s.closed_before, @extschema@.is_mixed(s.token) AS is_mixed INTO _store
  FROM @extschema@.store AS s;
  IF NOT FOUND OR _store.is_mixed THEN
    PERFORM @extschema@.check_whole(false);
  END IF;
  IF $9 <> _store.archive_epoch THEN
    RAISE EXCEPTION 'The archive has changed since epoch %', $9
      USING ERRCODE = 'CS002', HINT = 'Read the ledger again.';
  END IF;

  _open := @extschema@.open_ranges(_store.closed_before);
  _chunk_names := _open.chunk_names;

  LOOP
    _to := $10;
    _closed := @extschema@.closed_chunks($1, _from, _max_chunks + 1, _strict, $10);

    _in_rows := _closed[1] IS NULL;
    IF _in_rows THEN
      _ranges := _open.ranges;
    ELSE
      IF NOT _open_known THEN
        _open_first := @extschema@.first_position($1, _from, _open.ranges);
        _open_known := true;
      END IF;

      _chunk := _closed[1];
      -- Also where this read has passed _open_first: late messages have later positions than open ones,
      -- so open messages may lie before every closed chunk, not only before the first.
      IF _open_first < _chunk.first_global_position AND _from < _chunk.first_global_position THEN
        _from := greatest(_from, _open_first);
        _to := least(_to, _chunk.first_global_position - 1);
      ELSE
        _from := greatest(_from, _chunk.first_global_position);
        _to := least(
          _to, @extschema@.last_position_of_step(
            _from, _left, _room, _whole_buckets, _closed[:_max_chunks]
          )
        );
        IF _open_first > _from THEN
          _to := least(_to, _open_first - 1);
        END IF;
      END IF;

      EXIT WHEN _from > $10;

      -- Not past the start of the chunk that this step does not open.
      _chunk := _closed[_max_chunks + 1];
      IF _chunk.first_global_position <= _from THEN
        _max_chunks := _max_chunks * 2;
        CONTINUE;
      END IF;
      _to := least(_to, _chunk.first_global_position - 1);

      _ranges := '{}';
      FOREACH _chunk IN ARRAY _closed LOOP
        EXIT WHEN _chunk.first_global_position > _to;
        IF _chunk.state = 'dropped' AND _chunk.first_global_position <= _from THEN
          PERFORM @extschema@.check_chunks_unchanged(_chunk_names, _store.closed_before);
          PERFORM @extschema@.raise_archived(coalesce($1, '(all)')::text, _from, c, true)
          FROM @extschema@.chunks AS c WHERE c.range_start = _chunk.range_start AND $12 IS NULL;
          _gap.global_position := _from;
          _gap.data := @extschema@.archived_chunks($1, _from, $12);
          RETURN NEXT _gap;
          RETURN;
        ELSIF _chunk.state = 'dropped' THEN
          _to := _chunk.first_global_position - 1;
        ELSE
          _ranges := @extschema@.joined_ranges(
            _ranges, pg_catalog.tstzrange(_chunk.range_start, _chunk.range_end)
          );
          _chunk_names := _chunk_names || _chunk.chunk_name;
          _in_rows := _in_rows OR _chunk.state IN ('closed', 'rehydrated');
        END IF;
      END LOOP;
      IF _open_first <= _to THEN
        _in_rows := true;
        FOREACH _range IN ARRAY _open.ranges LOOP
          _ranges := @extschema@.joined_ranges(_ranges, _range);
        END LOOP;
      END IF;
    END IF;

    _statement := @extschema@.select_messages(
      $4, pg_catalog.cardinality(_ranges), $5, CASE WHEN $11 OR _in_rows THEN 'global_position ASC' END
    );
    IF _in_rows <> _was_in_rows THEN
      PERFORM pg_catalog.set_config(
        'random_page_cost', CASE WHEN _in_rows THEN '0.1' ELSE '1.1' END, true
      );
      _was_in_rows := _in_rows;
    END IF;
    IF $5 IS NOT NULL THEN
      PERFORM pg_catalog.set_config('search_path', _condition_path, true);
    END IF;
    RETURN QUERY EXECUTE _statement
      USING $1, _from, _left, _to, $6, $7, $8::smallint, _ranges;
    GET DIAGNOSTICS _rows = ROW_COUNT;
    IF $5 IS NOT NULL THEN
      PERFORM pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true);
    END IF;

    _left := _left - _rows;
    _is_empty := _is_empty AND _rows = 0;
    EXIT WHEN _left <= 0;
    -- Of closed chunks that this read has passed whole, the ledger says how many there were.
    IF NOT _is_filtered THEN
      _given := _given + _rows;
      FOREACH _chunk IN ARRAY _closed LOOP
        IF _chunk.state <> 'dropped' AND _chunk.first_global_position >= $2
          AND _chunk.last_global_position <= _to
        THEN
          _counted := _counted + _chunk.messages;
        END IF;
      END LOOP;
      IF _given < _counted THEN
        PERFORM @extschema@.check_chunks_unchanged(_chunk_names, _store.closed_before);
        PERFORM @extschema@.check_given($1, $2, _to, _given);
      END IF;
    END IF;
    EXIT WHEN _to >= $10;
    IF _to < _closed[1].last_global_position THEN
      -- Fewer than the chunk's density promised.
      _whole_buckets := true;
      _room := least(_room * 2, 1000);
    END IF;
    _from := _to + 1;
  END LOOP;
  _is_unchanged := @extschema@.check_chunks_unchanged(_chunk_names, _store.closed_before);
  -- Nothing is what a table gives that was restored without its chunks, too.
  IF _is_empty AND NOT @is_hypertable@ THEN
    PERFORM @extschema@.check_whole(false);
  END IF;
END;
$$;
