-- audience: internal; needs timescale
-- Recomputes what a write must know about the ledger, after chunks changed.
--
-- Chunks that somebody changed by hand are looked for first (reconcile_chunks).
-- What came back from the archive, or a part of it, has no say in the window of unique ids.
CREATE OR REPLACE FUNCTION @extschema@.sync_store()
RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  _rows_since timestamptz := (SELECT s.rows_since FROM @extschema@.store AS s);
  _closed_before timestamptz;
  -- The chunks that are there. Looked up once: that takes as long as there are many of them.
  _chunks regclass[];
  _names text[];
  _starts timestamptz[];
  _ends timestamptz[];
  _compressed boolean[];
BEGIN
  -- By the ledger of another store nothing may be brought into step.
  PERFORM @extschema@.check_whole();
  PERFORM @extschema@.lift_sequences();

  SELECT pg_catalog.array_agg(h.chunk),
    pg_catalog.array_agg(pg_catalog.format('%I.%I', n.nspname, r.relname)),
    pg_catalog.array_agg(h.range_start), pg_catalog.array_agg(h.range_end),
    pg_catalog.array_agg(h.is_compressed)
  INTO _chunks, _names, _starts, _ends, _compressed
  FROM @extschema@.hypertable_chunks() AS h
  JOIN pg_catalog.pg_class AS r ON r.oid = h.chunk
  JOIN pg_catalog.pg_namespace AS n ON n.oid = r.relnamespace;

  IF EXISTS (
    SELECT FROM @extschema@.chunks AS c
    WHERE c.state <> 'dropped' AND NOT EXISTS (
      SELECT FROM ROWS FROM (
        pg_catalog.unnest(_chunks), pg_catalog.unnest(_starts), pg_catalog.unnest(_ends)
      ) AS h (chunk, range_start, range_end)
      WHERE h.range_start = c.range_start AND h.range_end = c.range_end
        AND h.chunk = pg_catalog.to_regclass(c.chunk_name)
    )
  ) THEN
    PERFORM @extschema@.reconcile_chunks(_chunks, _starts, _ends);
  END IF;

  UPDATE @extschema@.chunks AS c
  SET part_name = NULL, part_streams = NULL, part_messages = NULL, part_digest = NULL,
    row_versions = NULL, kept_until = NULL
  WHERE c.part_name IS NOT NULL AND NOT EXISTS (
    SELECT FROM pg_catalog.unnest(_chunks) AS h (chunk) WHERE h.chunk = pg_catalog.to_regclass(c.part_name)
  ) AND NOT EXISTS (
    SELECT FROM pg_catalog.pg_inherits AS i
    WHERE i.inhrelid = pg_catalog.to_regclass(c.part_name) AND i.inhparent = '@extschema@.messages'::regclass
  );
  IF FOUND THEN
    PERFORM @extschema@.archive_changed();
  END IF;

  -- A read asks the ledger for what is older than the last closed chunk. So a chunk that could not be
  -- closed before a newer one was, because somebody still wrote into it, has to be known: as open. Not one
  -- whose messages another row has already (reconcile_chunks). One that begins where a range that left
  -- began, and is longer, has its messages after that range.
  INSERT INTO @extschema@.chunks (range_start, range_end, chunk_name, state)
  SELECT n.range_start, h.range_end, h.name, 'open'
  FROM ROWS FROM (unnest(_starts), unnest(_ends), unnest(_names)) AS h (range_start, range_end, name)
  CROSS JOIN LATERAL (
    SELECT @extschema@.open_range_start(h.range_start, h.range_end) AS range_start OFFSET 0
  ) AS n
  WHERE h.range_start < greatest(
    (SELECT s.closed_before FROM @extschema@.store AS s),
    (SELECT max(c.range_end) FROM @extschema@.chunks AS c WHERE c.state <> 'open')
  ) AND NOT EXISTS (
    SELECT FROM @extschema@.chunks AS c
    WHERE c.range_start = h.range_start AND c.range_end = h.range_end
  ) AND NOT EXISTS (
    SELECT FROM @extschema@.chunks AS c
    WHERE c.state <> 'dropped'
      AND tstzrange(c.range_start, c.range_end) && tstzrange(h.range_start, h.range_end)
  )
  ON CONFLICT (range_start) DO NOTHING;

  -- Only where it differs: a needless update makes writers under REPEATABLE READ fail (40001). Never
  -- back: of two that close a chunk each, the second may not have seen the first. The row's lock makes
  -- the sequence follow in the same order.
  UPDATE @extschema@.store AS s
  SET closed_before = greatest(n.closed_before, s.closed_before),
    rows_since = coalesce(n.first_rows, n.last_end, s.rows_since)
  FROM (
    SELECT
      (
        SELECT pg_catalog.max(c.range_end) FROM @extschema@.chunks AS c WHERE c.state <> 'open'
      ) AS closed_before,
      pg_catalog.min(h.range_start) FILTER (
        WHERE NOT h.is_compressed AND coalesce(c.state, 'open') NOT IN ('dropped', 'rehydrated')
      ) AS first_rows,
      pg_catalog.max(h.range_end) FILTER (
        WHERE coalesce(c.state, 'open') NOT IN ('dropped', 'rehydrated')
      ) AS last_end
    FROM ROWS FROM (
      pg_catalog.unnest(_starts), pg_catalog.unnest(_ends), pg_catalog.unnest(_compressed)
    ) AS h (range_start, range_end, is_compressed)
    LEFT JOIN @extschema@.chunks AS c ON c.range_start = h.range_start
  ) AS n
  WHERE s.closed_before < n.closed_before
    OR s.rows_since <> coalesce(n.first_rows, n.last_end, s.rows_since)
  RETURNING s.closed_before INTO _closed_before;
  IF _closed_before > '-infinity' THEN
    -- A restore that began meanwhile must stay noticed.
    PERFORM @extschema@.check_whole();
    PERFORM pg_catalog.setval(
      '@extschema@.closed_before',
      greatest(pg_catalog.ceil(pg_catalog.date_part('epoch', _closed_before))::bigint, 0)
        # @extschema@.store_token()
    );
  END IF;

  -- Chunks that close stay in row form: only when the window moves is there something to forget.
  IF _rows_since < (SELECT s.rows_since FROM @extschema@.store AS s) THEN
    PERFORM @extschema@.prune_recent_ids();
  END IF;
END;
$$;
