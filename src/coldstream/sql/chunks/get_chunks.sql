-- audience: application; needs timescale
-- Every chunk of the store, whatever its tier, oldest first: where it is, what it holds, what it
-- takes. Sizes are in bytes; a form that a chunk does not have, or that is not known, is NULL. Without
-- sizes they are those of when a chunk was closed and of when it was compressed: those of now open every
-- chunk. While is_kept, the lifecycle's policy does not drop it; NULL in kept_until: until somebody does.
-- Some streams of a cold chunk may be in the database: those that part_streams match, with part_messages
-- messages. archive_object is the first of archive_files.
CREATE OR REPLACE FUNCTION @extschema@.get_chunks(sizes boolean DEFAULT true)
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
    coalesce(@extschema@.qualified_name(h.chunk), c.chunk_name),
    coalesce(c.range_start, h.range_start),
    coalesce(c.range_end, h.range_end),
    @extschema@.chunk_tier(c, coalesce(h.is_compressed, false)),
    coalesce(c.state, 'open'),
    coalesce(h.is_compressed, false),
    CASE WHEN c.state <> 'open' THEN c.messages END,
    CASE WHEN c.state <> 'open' THEN c.first_global_position END,
    CASE WHEN c.state <> 'open' THEN c.last_global_position END,
    coalesce(
      CASE WHEN h.is_compressed OR c.state = 'dropped' THEN NULL ELSE d.total_bytes END, c.row_bytes
    ),
    coalesce(CASE WHEN h.is_compressed THEN d.total_bytes END, c.columnstore_bytes),
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
  FULL JOIN @extschema@.chunks AS c ON c.range_start = h.range_start
  LEFT JOIN (
    SELECT pg_catalog.to_regclass(pg_catalog.format('%I.%I', s.chunk_schema, s.chunk_name)) AS chunk,
      s.total_bytes
    FROM @extschema:timescaledb@.chunks_detailed_size('@extschema@.messages') AS s
    WHERE $1
  ) AS d ON d.chunk = h.chunk
  ORDER BY 2;
END;
$$;
