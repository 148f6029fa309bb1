-- audience: application; needs timescale
-- Every chunk of the store, whatever its tier, oldest first: where it is, what it holds, what it
-- takes. Sizes are in bytes; a form that a chunk does not have, or that is not known, is NULL. While
-- is_kept, the lifecycle's policy does not drop it; NULL in kept_until: until somebody does. Some streams
-- of a cold chunk may be in the database: those that part_streams match, with part_messages messages.
-- archive_object is the first of archive_files.
CREATE OR REPLACE FUNCTION @extschema@.get_chunks()
RETURNS TABLE (
  chunk_name text,
  range_start timestamptz,
  range_end timestamptz,
  tier text,
  state text,
  is_compressed boolean,
  messages bigint,
  first_global_position bigint,
  last_global_position bigint,
  row_bytes bigint,
  columnstore_bytes bigint,
  archive_bytes bigint,
  archive_url text,
  archive_object text,
  verified_at timestamptz,
  kept_until timestamptz,
  is_kept boolean,
  part_streams text[],
  part_messages bigint,
  archive_files integer
)
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  RETURN QUERY
  SELECT
    k.chunk_name, k.range_start, k.range_end, k.tier, k.state, k.is_compressed, k.messages,
    k.first_global_position, k.last_global_position,
    CASE
      WHEN k.is_compressed OR k.relation IS NULL OR k.state = 'dropped' THEN k.row_bytes
      ELSE d.total_bytes
    END,
    CASE WHEN k.is_compressed THEN d.total_bytes ELSE k.columnstore_bytes END,
    k.archive_bytes, k.archive_url, k.archive_object, k.verified_at, k.kept_until, k.is_kept,
    k.part_streams, k.part_messages, k.archive_files
  FROM @extschema@.known_chunks() AS k
  LEFT JOIN @extschema:timescaledb@.chunks_detailed_size('@extschema@.messages') AS d
    ON pg_catalog.to_regclass(pg_catalog.format('%I.%I', d.chunk_schema, d.chunk_name)) = k.relation
  ORDER BY 2;
END;
$$;
