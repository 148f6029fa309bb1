-- audience: internal; needs timescale
-- The chunk has all that the archive has of its range, and is closed. is_more: it has messages that the
-- archive lacks; otherwise both have to be the same. The manifest is one that the next export may replace.
CREATE OR REPLACE FUNCTION @extschema@.finish_merge(
  range_start timestamptz,
  archive_manifest text,
  digest text,
  is_more boolean
)
RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
  _row @extschema@.chunks;
  _digest text;
BEGIN
  _row := @extschema@.close_range($1);
  _digest := @extschema@.digest_range($1, _row.range_end);
  IF NOT $4 AND _digest <> $3 THEN
    RAISE EXCEPTION 'The rows of % to % are not the ones that were archived (% instead of %)',
      $1, _row.range_end, _digest, $3
      USING ERRCODE = 'CS009', HINT = 'Nothing was changed.';
  END IF;
  UPDATE @extschema@.chunks SET seen_manifest = $2, seen_digest = $3, row_versions = NULL
  WHERE range_start = $1;
  PERFORM @extschema@.archive_changed();
END;
$$;
