-- audience: owner; needs timescale
-- Sets the ages at which "coldstream lifecycle run" compresses, archives and drops a chunk: how long ago
-- its range ended. NULL is never. TimescaleDB's own compression policy follows. Returns what it did
-- there.
CREATE OR REPLACE FUNCTION @extschema@.set_lifecycle_policy(
  compress_after interval,
  archive_after interval,
  drop_after interval
)
RETURNS SETOF text
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
  PERFORM @extschema@.check_lifecycle_policy($1, $2, $3);
  UPDATE @extschema@.store SET compress_after = $1, archive_after = $2, drop_after = $3;
  RETURN QUERY SELECT * FROM @extschema@.sync_compression_policy();
END;
$$;
