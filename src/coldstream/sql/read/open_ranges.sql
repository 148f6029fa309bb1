-- audience: part
-- The ranges of time whose messages the ledger does not vouch for: chunks that late data opened
-- again, and everything newer than the last closed chunk. Every read over positions includes them. The
-- names are of the former; check_chunks_unchanged finds the others by closed_before. A closed chunk that
-- was merged with one that is newer than all closed ones is open and reaches past closed_before: no message
-- may lie in two of the ranges, or it is read twice.
CREATE OR REPLACE FUNCTION @extschema@.open_ranges(
  closed_before timestamptz,
  OUT ranges tstzrange[],
  OUT chunk_names text[]
)
RETURNS record
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  SELECT pg_catalog.array_agg(pg_catalog.tstzrange(c.range_start, least(c.range_end, $1))),
    pg_catalog.array_agg(c.chunk_name)
  INTO ranges, chunk_names
  FROM @extschema@.chunks AS c
  WHERE c.state = 'open' AND c.range_start < $1;

  ranges := ranges || pg_catalog.tstzrange($1, 'infinity');
  chunk_names := coalesce(chunk_names, '{}');
END;
$$;
