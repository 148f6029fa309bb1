-- audience: internal; needs timescale
-- Some streams of an archived range are back, in a chunk of their own: those that the patterns match, with
-- those of a part that was back before. digest is that of the whole archived range as the caller read it,
-- part_digest that of the rows which the patterns match among them: the first says that it read what was
-- verified, the second that these rows and no other are in the chunk.
--
-- The ledger's row stays dropped: the archive is the truth for the range, and nothing but a read of one of
-- these streams may take the chunk for it.
CREATE OR REPLACE FUNCTION @extschema@.finish_rehydrate_part(
  range_start timestamptz,
  streams text[],
  digest text,
  part_digest text,
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

  IF _row.state IS DISTINCT FROM 'dropped' OR $3 IS DISTINCT FROM _row.digest
    OR _digest IS DISTINCT FROM $4 OR _chunk.range_end IS DISTINCT FROM _row.range_end
    OR NOT $2 @> coalesce(_row.part_streams, '{}')
  THEN
    RAISE EXCEPTION 'The rows of % to % are not the ones that were archived (% instead of %, of %)',
      _row.range_start, _row.range_end, _digest, $4, _row.digest
      USING ERRCODE = 'CS009', HINT = 'Nothing was rehydrated.';
  END IF;

  PERFORM @extschema@.freeze(_chunk.chunk);
  UPDATE @extschema@.chunks
  SET part_name = @extschema@.qualified_name(_chunk.chunk), part_streams = $2,
    part_messages = pg_catalog.split_part(_digest, ':', 2)::bigint, part_digest = _digest,
    rehydrated_at = pg_catalog.clock_timestamp(), row_versions = _versions,
    kept_until = greatest(kept_until, $5)
  WHERE range_start = $1
  RETURNING * INTO _row;
  PERFORM @extschema@.archive_changed();
  PERFORM @extschema@.sync_store();
  RETURN _row;
END;
$$;
