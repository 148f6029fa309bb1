-- audience: internal; needs timescale
-- unknown -> dropped: a range that only the archive has is in the ledger again, from its manifest, whose
-- files the caller proves in the same transaction; is_proved is false where they are damaged, so that
-- reads that need them say so, and the next restore tries again. What may be restored: restore_plan.
CREATE OR REPLACE FUNCTION @extschema@.restore_range(
  archive_url text,
  archive_manifest text,
  manifest jsonb,
  is_proved boolean
)
RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
  _start timestamptz := $3 ->> 'range_start';
  _verified_at timestamptz := CASE WHEN $4 THEN clock_timestamp() END;
BEGIN
  PERFORM @extschema@.lifecycle_lock();
  INSERT INTO @extschema@.chunks AS c
    (range_start, range_end, state, messages, streams, first_global_position, last_global_position,
     first_time, last_time, archive_url, archive_manifest, archive_format, archive_bytes, digest,
     exported_at, verified_at, dropped_at)
  VALUES (
    _start, ($3 ->> 'range_end')::timestamptz, 'dropped', ($3 ->> 'rows')::bigint,
    ($3 ->> 'streams')::bigint,
    ($3 ->> 'first_global_position')::bigint, ($3 ->> 'last_global_position')::bigint,
    ($3 ->> 'first_time')::timestamptz, ($3 ->> 'last_time')::timestamptz, $1, $2,
    $3 ->> 'format', (
      SELECT sum((f.file ->> 'bytes')::bigint) FROM jsonb_array_elements($3 -> 'files') AS f (file)
    ), $3 ->> 'digest', ($3 ->> 'created_at')::timestamptz, _verified_at, clock_timestamp()
  )
  ON CONFLICT (range_start) DO UPDATE SET
    messages = excluded.messages, streams = excluded.streams,
    first_global_position = excluded.first_global_position,
    last_global_position = excluded.last_global_position, first_time = excluded.first_time,
    last_time = excluded.last_time, archive_url = excluded.archive_url,
    archive_manifest = excluded.archive_manifest, archive_format = excluded.archive_format,
    digest = excluded.digest, verified_at = excluded.verified_at;
  PERFORM @extschema@.record_files(_start, $3);

  DELETE FROM @extschema@.chunk_categories WHERE range_start = _start;
  INSERT INTO @extschema@.chunk_categories
    (category, range_start, first_global_position, last_global_position, messages)
  SELECT r.category, _start, r.first_global_position, r.last_global_position, r.messages
  FROM jsonb_to_recordset($3 -> 'categories') AS r (
    category text, messages bigint, first_global_position bigint, last_global_position bigint
  )
  ORDER BY r.category;
  PERFORM @extschema@.archive_changed();
  -- Readers go by the store's row: each range is there for them as soon as it is in the ledger.
  PERFORM @extschema@.sync_store();
END;
$$;
