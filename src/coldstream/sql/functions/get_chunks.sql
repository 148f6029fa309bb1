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
AS $$
BEGIN
  RETURN QUERY
  SELECT
    coalesce(@extschema@.qualified_name(h.chunk), c.chunk_name),
    coalesce(c.range_start, h.range_start),
    coalesce(c.range_end, h.range_end),
    CASE
      WHEN c.state = 'dropped' AND c.archive_object IS NULL THEN 'gone'
      WHEN c.state = 'dropped' THEN 'cold'
      WHEN c.state = 'rehydrated' THEN 'rehydrated'
      WHEN h.is_compressed THEN 'warm'
      ELSE 'hot'
    END,
    coalesce(c.state, 'open'),
    coalesce(h.is_compressed, false),
    CASE WHEN c.state <> 'open' THEN c.messages END,
    CASE WHEN c.state <> 'open' THEN c.first_global_position END,
    CASE WHEN c.state <> 'open' THEN c.last_global_position END,
    CASE
      WHEN h.is_compressed OR h.chunk IS NULL OR c.state = 'dropped' THEN c.row_bytes
      ELSE d.total_bytes
    END,
    CASE WHEN h.is_compressed THEN d.total_bytes ELSE c.columnstore_bytes END,
    c.archive_bytes,
    c.archive_url,
    c.archive_object,
    c.verified_at,
    -- Most drivers have no infinite time.
    CASE WHEN pg_catalog.isfinite(c.kept_until) THEN c.kept_until END,
    coalesce(c.kept_until > pg_catalog.clock_timestamp(), false),
    c.part_streams,
    c.part_messages,
    c.archive_files
  FROM @extschema@.hypertable_chunks() AS h
  JOIN @extschema:timescaledb@.chunks_detailed_size('@extschema@.messages') AS d
    ON pg_catalog.format('%I.%I', d.chunk_schema, d.chunk_name)::regclass = h.chunk
  FULL JOIN @extschema@.chunks AS c ON c.range_start = h.range_start
  ORDER BY 2;
END;
$$;
