-- Recomputes what a write must know about the ledger, after chunks changed.
--
-- A chunk that somebody dropped by hand is recorded as dropped: reads that need it then say so, and
-- what was verified before is read from the archive. Nothing is known of one that was still open.
CREATE OR REPLACE FUNCTION @extschema@.sync_store()
RETURNS void
LANGUAGE plpgsql VOLATILE
AS $$
BEGIN
  DELETE FROM @extschema@.chunks AS c
  WHERE c.state = 'open' AND pg_catalog.to_regclass(c.chunk_name) IS NULL;

  UPDATE @extschema@.chunks AS c
  SET state = 'dropped', chunk_name = NULL, dropped_at = pg_catalog.clock_timestamp()
  WHERE c.state <> 'dropped' AND pg_catalog.to_regclass(c.chunk_name) IS NULL;
  IF FOUND THEN
    UPDATE @extschema@.store SET archive_epoch = archive_epoch + 1;
  END IF;

  UPDATE @extschema@.store AS s
  SET
    closed_before = coalesce(
      (SELECT pg_catalog.max(c.range_end) FROM @extschema@.chunks AS c WHERE c.state <> 'open'),
      s.closed_before
    ),
    rows_since = coalesce(
      (
        SELECT pg_catalog.min(h.range_start)
        FROM @extschema@.hypertable_chunks() AS h
        LEFT JOIN @extschema@.chunks AS c ON c.range_start = h.range_start
        WHERE NOT h.is_compressed AND c.state IS DISTINCT FROM 'rehydrated'
      ),
      (SELECT pg_catalog.max(h.range_end) FROM @extschema@.hypertable_chunks() AS h),
      s.rows_since
    );
END;
$$;
