-- audience: part
-- The tier of a chunk, by its row of the ledger: gone (dropped, and no archive has it), cold, rehydrated, warm or
-- hot. Everything that shows a tier asks here, so that no two of them disagree.
--
-- is_compressed: what the catalog says of the chunk, where that was looked at. The ledger alone says warm once it
-- knows a size in the columnstore, and not while late messages have the chunk open, or closed anew: those are rows.
--
-- It sets no search_path, so that the planner puts it into the statement: a listing asks for each stream.
CREATE OR REPLACE FUNCTION @extschema@.chunk_tier(ledger @extschema@.chunks, is_compressed boolean DEFAULT NULL)
RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
  SELECT CASE
    WHEN ($1).state OPERATOR(pg_catalog.=) 'dropped' THEN
      CASE WHEN ($1).archive_object IS NULL THEN 'gone' ELSE 'cold' END
    WHEN ($1).state OPERATOR(pg_catalog.=) 'rehydrated' THEN 'rehydrated'
    WHEN coalesce(
      $2,
      ($1).columnstore_bytes IS NOT NULL AND ($1).state OPERATOR(pg_catalog.<>) ALL (ARRAY['open', 'closed'])
    ) THEN 'warm'
    ELSE 'hot'
  END
$$;
