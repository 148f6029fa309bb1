-- audience: part
-- The chunks of messages that are in the database, as TimescaleDB knows them. One that a transaction
-- drops meanwhile is left out, though the snapshot still has it: nobody can work with it any more, and
-- an import or a listing must not fail because of it. Reads do not go by this.
CREATE OR REPLACE FUNCTION @extschema@.hypertable_chunks()
RETURNS TABLE (
  chunk regclass,
  range_start timestamptz,
  range_end timestamptz,
  is_compressed boolean
)
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  RETURN QUERY
  SELECT r.chunk, r.range_start, r.range_end, r.is_compressed
  FROM (
    SELECT pg_catalog.to_regclass(pg_catalog.format('%I.%I', i.chunk_schema, i.chunk_name)) AS chunk,
      i.range_start, i.range_end, coalesce(i.is_compressed, false) AS is_compressed
    FROM timescaledb_information.chunks AS i
    WHERE i.hypertable_schema = '@extschema_name@' AND i.hypertable_name = 'messages'
  ) AS r
  WHERE r.chunk IS NOT NULL
  ORDER BY r.range_start;
END;
$$;
