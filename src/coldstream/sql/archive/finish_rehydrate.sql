-- audience: internal; needs timescale
-- dropped -> rehydrated: the rows are back; they must be the ones that were verified. The lifecycle's
-- policy drops them again after kept_until; 'infinity': not before somebody drops them. A part that was
-- back already is no part any more, and what was promised for it counts where that is longer.
CREATE OR REPLACE FUNCTION @extschema@.finish_rehydrate(
  range_start timestamptz,
  kept_until timestamptz DEFAULT 'infinity'
)
RETURNS @extschema@.chunks
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
  _row @extschema@.chunks;
  _chunk record;
  _digest text;
  _versions text;
BEGIN
  PERFORM @extschema@.lifecycle_lock();
  SELECT c.* INTO _row FROM @extschema@.chunks AS c WHERE c.range_start = $1 FOR UPDATE;
  SELECT h.* INTO _chunk FROM @extschema@.hypertable_chunks() AS h WHERE h.range_start = $1;
  _versions := @extschema@.row_versions(_chunk.chunk);
  _digest := @extschema@.digest_range(_row.range_start, _row.range_end);

  IF _row.state IS DISTINCT FROM 'dropped' OR _digest IS DISTINCT FROM _row.digest
    OR pg_catalog.split_part(_digest, ':', 2) IS DISTINCT FROM _row.messages::text
    OR _chunk.range_end IS DISTINCT FROM _row.range_end
  THEN
    RAISE EXCEPTION 'The rows of % to % are not the ones that were archived (% instead of %)',
      _row.range_start, _row.range_end, _digest, _row.digest
      USING ERRCODE = 'CS009', HINT = 'Nothing was rehydrated.';
  END IF;

  PERFORM @extschema@.freeze(_chunk.chunk);
  UPDATE @extschema@.chunks
  SET state = 'rehydrated', chunk_name = @extschema@.qualified_name(_chunk.chunk),
    rehydrated_at = pg_catalog.clock_timestamp(), row_versions = _versions,
    kept_until = greatest(kept_until, $2),
    part_name = NULL, part_streams = NULL, part_messages = NULL, part_digest = NULL
  WHERE range_start = $1
  RETURNING * INTO _row;
  PERFORM @extschema@.archive_changed();
  PERFORM @extschema@.sync_store();
  RETURN _row;
END;
$$;
