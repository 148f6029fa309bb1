-- The ranges of time whose messages the ledger does not vouch for: chunks that late data opened
-- again, and everything newer than the last closed chunk. Every read over positions includes them.
CREATE OR REPLACE FUNCTION @extschema@.open_ranges()
RETURNS TABLE (ranges tstzrange[], chunk_names text[])
LANGUAGE plpgsql STABLE
AS $$
DECLARE
  _closed_before timestamptz := (SELECT s.closed_before FROM @extschema@.store AS s);
BEGIN
  SELECT pg_catalog.array_agg(pg_catalog.tstzrange(c.range_start, c.range_end)),
    pg_catalog.array_agg(c.chunk_name)
  INTO ranges, chunk_names
  FROM @extschema@.chunks AS c
  WHERE c.state = 'open' AND c.range_start < _closed_before;

  ranges := ranges || pg_catalog.tstzrange(_closed_before, NULL);
  chunk_names := coalesce(chunk_names, '{}') || @extschema@.unclosed_chunk_names(_closed_before);
  RETURN NEXT;
END;
$$;
