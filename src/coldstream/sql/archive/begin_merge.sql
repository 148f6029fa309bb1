-- audience: internal; needs timescale
-- A chunk that the archive has with other messages is open to those that are missing. The caller inserts
-- them and calls finish_merge, in one transaction.
CREATE OR REPLACE FUNCTION @extschema@.begin_merge(range_start timestamptz)
RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
  _row @extschema@.chunks;
BEGIN
  PERFORM @extschema@.lifecycle_lock();
  PERFORM @extschema@.close_range($1);
  _row := @extschema@.lock_range($1, 'EXCLUSIVE');
  PERFORM @extschema@.unfreeze(_row.chunk_name::regclass);
  -- Into a columnstore older releases of TimescaleDB insert no generated column.
  IF EXISTS (
    SELECT FROM @extschema@.hypertable_chunks() AS h WHERE h.range_start = $1 AND h.is_compressed
  ) THEN
    PERFORM @extschema:timescaledb@.decompress_chunk(_row.chunk_name::regclass);
  END IF;
  UPDATE @extschema@.chunks SET state = 'open', closed_at = NULL WHERE range_start = $1;
  DELETE FROM @extschema@.chunk_categories WHERE range_start = $1;
END;
$$;
