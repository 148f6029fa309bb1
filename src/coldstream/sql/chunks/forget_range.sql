-- audience: internal; needs timescale
-- Takes a range, and all that is known of it, out of the ledger.
CREATE OR REPLACE FUNCTION @extschema@.forget_range(range_start timestamptz)
RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  DELETE FROM @extschema@.chunks AS c WHERE c.range_start = $1;
  DELETE FROM @extschema@.chunk_categories AS r WHERE r.range_start = $1;
  DELETE FROM @extschema@.archive_files AS f WHERE f.range_start = $1;
END;
$$;
