-- audience: internal; needs timescale
-- Keeps a chunk that is in the database, or the part of it that is, from being dropped by the
-- lifecycle's policy before a time ('infinity': at all). It never shortens: somebody else may count on
-- what was promised before.
CREATE OR REPLACE FUNCTION @extschema@.keep_range(range_start timestamptz, kept_until timestamptz)
RETURNS @extschema@.chunks
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
  _row @extschema@.chunks;
BEGIN
  PERFORM @extschema@.lifecycle_lock();
  UPDATE @extschema@.chunks SET kept_until = greatest(kept_until, $2)
  WHERE range_start = $1 AND (state <> 'dropped' OR part_name IS NOT NULL)
  RETURNING * INTO _row;
  RETURN _row;
END;
$$;
