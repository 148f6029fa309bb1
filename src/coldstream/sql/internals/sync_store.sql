-- Recomputes what a write must know about the ledger, after chunks changed.
CREATE OR REPLACE FUNCTION @extschema@.sync_store()
RETURNS void
LANGUAGE plpgsql VOLATILE
AS $$
BEGIN
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
