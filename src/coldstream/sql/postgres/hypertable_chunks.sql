-- audience: part
-- An ordinary table has no chunks.
CREATE OR REPLACE FUNCTION @extschema@.hypertable_chunks()
RETURNS TABLE (
  chunk regclass,
  range_start timestamptz,
  range_end timestamptz,
  is_compressed boolean
)
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
  SELECT NULL::regclass, NULL::timestamptz, NULL::timestamptz, NULL::boolean WHERE false
$$;
