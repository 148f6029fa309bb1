-- audience: part
-- What the chunks of the ledger cover together that a time lies in: from where the first of them begins to
-- where the last one ends. From the time to itself where there is none.
--
-- A walk over chunks in the order of where they begin, or end, begins here. Ranges may overlap: the chunk that
-- began last before the time need not be the only one that ends after it.
CREATE OR REPLACE FUNCTION @extschema@.range_around("time" timestamptz)
RETURNS tstzrange
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  RETURN (
    SELECT pg_catalog.tstzrange(
      least($1, pg_catalog.min(c.range_start)), greatest($1, pg_catalog.max(c.range_end)), '[]'
    )
    FROM @extschema@.chunks AS c
    WHERE pg_catalog.tstzrange(c.range_start, c.range_end) @> $1
  );
END;
$$;
