-- audience: part; needs timescale
-- Every chunk of the store, as get_chunks has it, with the sizes that the ledger has of it: those of when
-- it was closed and of when it was compressed. To ask for those of now opens every chunk with all of its
-- indexes. relation is NULL for what has left the database.
CREATE OR REPLACE FUNCTION @extschema@.known_chunks()
RETURNS TABLE (
  relation regclass,
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
    h.chunk,
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
    c.row_bytes,
    c.columnstore_bytes,
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
  ORDER BY 3;
END;
$$;
