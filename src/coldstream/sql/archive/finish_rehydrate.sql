-- audience: internal; needs timescale
-- dropped -> rehydrated: the range's table becomes a chunk; its rows must be the ones that were verified, and
-- none may have changed since they were digested. The lifecycle's policy drops them again after kept_until;
-- 'infinity': not before somebody drops them. A part that was back already is no part any more, and what was
-- promised for it counts where that is longer.
--
-- With streams only those are back, which the patterns match, with those of a part that was back before. Then
-- digest is that of the whole archived range as the caller read it, part_digest that of the rows which the
-- patterns match among them: the first says that it read what was verified, the second that these rows and no
-- other are in the chunk. The ledger's row stays dropped: the archive is the truth for the range, and nothing
-- but a read of one of these streams may take the chunk for it.
CREATE OR REPLACE FUNCTION @extschema@.finish_rehydrate(
  range_start timestamptz,
  kept_until timestamptz,
  streams text[] DEFAULT NULL,
  digest text DEFAULT NULL,
  part_digest text DEFAULT NULL
)
RETURNS @extschema@.chunks
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
  _row @extschema@.chunks;
  _known jsonb;
  _expected text;
  _chunk regclass;
  _range_end timestamptz;
  _versions text;
BEGIN
  PERFORM @extschema@.lifecycle_lock();
  -- A part's chunk before the ledger's row, as everywhere: readers and the lifecycle lock in this order.
  SELECT c.* INTO _row FROM @extschema@.chunks AS c WHERE c.range_start = $1;
  IF to_regclass(_row.part_name) IS NOT NULL THEN
    EXECUTE format('LOCK TABLE %s IN EXCLUSIVE MODE', @extschema@.qualified_name(_row.part_name::regclass));
  END IF;
  SELECT c.* INTO _row FROM @extschema@.chunks AS c WHERE c.range_start = $1 FOR UPDATE;
  _known := @extschema@.staged($1);
  _expected := CASE WHEN $3 IS NULL THEN _row.digest ELSE $5 END;
  _versions := @extschema@.row_versions(to_regclass(@extschema@.staged_name($1)));

  IF _row.state IS DISTINCT FROM 'dropped' OR _known ->> 'digest' IS DISTINCT FROM _expected
    OR _known ->> 'versions' IS DISTINCT FROM _versions
    OR $3 IS NULL AND split_part(_expected, ':', 2) IS DISTINCT FROM _row.messages::text
    OR $3 IS NOT NULL AND ($4 IS DISTINCT FROM _row.digest OR NOT $3 @> coalesce(_row.part_streams, '{}'))
  THEN
    RAISE EXCEPTION 'The rows of % to % are not the ones that were archived (% instead of %)',
      _row.range_start, _row.range_end, _known ->> 'digest', _expected
      USING ERRCODE = 'CS009', HINT = 'Nothing was rehydrated.';
  END IF;

  _chunk := @extschema@.attach_staged($1);
  SELECT h.range_end INTO _range_end FROM @extschema@.hypertable_chunks() AS h WHERE h.range_start = $1;
  IF _range_end IS DISTINCT FROM _row.range_end THEN
    RAISE EXCEPTION 'The chunk of % ends at %, not at %', $1, coalesce(_range_end::text, 'no time'), _row.range_end
      USING ERRCODE = 'CS009', HINT = 'Nothing was rehydrated.';
  END IF;
  -- Copied rows have other places.
  _versions := @extschema@.row_versions(_chunk);
  PERFORM @extschema@.freeze(_chunk);
  IF $3 IS NULL THEN
    UPDATE @extschema@.chunks
    SET state = 'rehydrated', chunk_name = @extschema@.qualified_name(_chunk),
      rehydrated_at = clock_timestamp(), row_versions = _versions, kept_until = greatest(_row.kept_until, $2),
      part_name = NULL, part_streams = NULL, part_messages = NULL, part_digest = NULL
    WHERE range_start = $1
    RETURNING * INTO _row;
  ELSE
    UPDATE @extschema@.chunks
    SET part_name = @extschema@.qualified_name(_chunk), part_streams = $3,
      part_messages = split_part(_expected, ':', 2)::bigint, part_digest = _expected,
      rehydrated_at = clock_timestamp(), row_versions = _versions, kept_until = greatest(_row.kept_until, $2)
    WHERE range_start = $1
    RETURNING * INTO _row;
  END IF;
  PERFORM @extschema@.archive_changed();
  PERFORM @extschema@.sync_store();
  RETURN _row;
END;
$$;
