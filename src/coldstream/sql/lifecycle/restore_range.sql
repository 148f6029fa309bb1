-- unknown -> dropped: a range that only the archive has is in the ledger again, from its manifest,
-- whose files the caller proves in the same transaction. Gives what became of it: restored; known, if
-- the ledger has it already; database, if its rows are there, which are the truth then.
CREATE OR REPLACE FUNCTION @extschema@.restore_range(
  archive_url text,
  archive_manifest text,
  manifest jsonb
)
RETURNS text
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
  _start timestamptz := $3 ->> 'range_start';
  _end timestamptz := $3 ->> 'range_end';
  _messages bigint := $3 ->> 'rows';
  _row @extschema@.chunks;
  _other record;
BEGIN
  PERFORM @extschema@.lifecycle_lock();
  SELECT k.range_start, k.range_end INTO _other
  FROM (
    SELECT c.range_start, c.range_end FROM @extschema@.chunks AS c
    UNION ALL
    SELECT h.range_start, h.range_end FROM @extschema@.hypertable_chunks() AS h
  ) AS k
  WHERE k.range_start < _end AND k.range_end > _start
    AND (k.range_start, k.range_end) IS DISTINCT FROM (_start, _end)
  LIMIT 1;
  IF FOUND THEN
    RAISE EXCEPTION 'The archive has % to %, and the store % to %',
      _start, _end, _other.range_start, _other.range_end
      USING ERRCODE = 'object_not_in_prerequisite_state', HINT = 'Nothing was changed.';
  END IF;

  SELECT c.* INTO _row FROM @extschema@.chunks AS c WHERE c.range_start = _start FOR UPDATE;
  IF _row.state <> 'dropped' OR _row.part_name IS NULL AND EXISTS (
    SELECT FROM @extschema@.hypertable_chunks() AS h WHERE h.range_start = _start
  ) THEN
    RETURN 'database';
  ELSIF _row.digest = $3 ->> 'digest' AND _row.archive_object IS NOT NULL THEN
    RETURN 'known';
  ELSIF _row.archive_object IS NOT NULL OR _row.messages <> _messages
    OR _row.first_global_position <> ($3 ->> 'first_global_position')::bigint
    OR _row.last_global_position <> ($3 ->> 'last_global_position')::bigint
  THEN
    RAISE EXCEPTION 'The archive has other messages of % to % than the ledger knows', _start, _end
      USING ERRCODE = 'object_not_in_prerequisite_state', HINT = 'Nothing was changed.';
  END IF;

  INSERT INTO @extschema@.chunks AS c
    (range_start, range_end, state, messages, streams, first_global_position, last_global_position,
     first_time, last_time, archive_url, archive_manifest, archive_format, archive_bytes, digest,
     exported_at, verified_at, dropped_at)
  VALUES (
    _start, _end, 'dropped', _messages, ($3 ->> 'streams')::bigint,
    ($3 ->> 'first_global_position')::bigint, ($3 ->> 'last_global_position')::bigint,
    ($3 ->> 'first_time')::timestamptz, ($3 ->> 'last_time')::timestamptz, $1, $2,
    $3 ->> 'format', (
      SELECT pg_catalog.sum((f.file ->> 'bytes')::bigint)
      FROM pg_catalog.jsonb_array_elements($3 -> 'files') AS f (file)
    ), $3 ->> 'digest', ($3 ->> 'created_at')::timestamptz,
    pg_catalog.clock_timestamp(), pg_catalog.clock_timestamp()
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
  FROM pg_catalog.jsonb_to_recordset($3 -> 'categories') AS r (
    category text, messages bigint, first_global_position bigint, last_global_position bigint
  )
  ORDER BY r.category;
  UPDATE @extschema@.store SET archive_epoch = archive_epoch + 1;
  RETURN 'restored';
END;
$$;
