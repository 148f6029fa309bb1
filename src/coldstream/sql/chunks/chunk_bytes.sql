-- audience: part
-- What a chunk takes in the database by its row of the ledger, in bytes: in the form that its tier has (see
-- chunk_tier). What came back from the archive is in rows, whatever it was before. NULL where that was not counted.
CREATE OR REPLACE FUNCTION @extschema@.chunk_bytes(ledger @extschema@.chunks)
RETURNS bigint
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
  SELECT CASE
    WHEN ($1).state OPERATOR(pg_catalog.=) 'dropped' THEN 0
    WHEN ($1).columnstore_bytes IS NULL
      OR ($1).state OPERATOR(pg_catalog.=) ANY (ARRAY['open', 'closed', 'rehydrated'])
    THEN ($1).row_bytes
    ELSE ($1).columnstore_bytes
  END
$$;
