-- The chunks of messages that are in the database, as TimescaleDB knows them.
CREATE OR REPLACE FUNCTION @extschema@.hypertable_chunks()
RETURNS TABLE (
  chunk regclass,
  range_start timestamptz,
  range_end timestamptz,
  is_compressed boolean
)
LANGUAGE plpgsql STABLE
AS $$
BEGIN
  RETURN QUERY
  SELECT pg_catalog.format('%I.%I', i.chunk_schema, i.chunk_name)::regclass,
    i.range_start, i.range_end, coalesce(i.is_compressed, false)
  FROM timescaledb_information.chunks AS i
  WHERE i.hypertable_schema = '@extschema_name@' AND i.hypertable_name = 'messages'
  ORDER BY i.range_start;
END;
$$;
