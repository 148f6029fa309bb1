-- audience: internal; needs timescale
-- Where the ledger's row of a chunk begins that it did not know: where the chunk does; but where a range
-- that has left the database began there too, after all the ranges that have left. Nothing of the chunk is
-- before that, for such a message is refused (admit_time).
CREATE OR REPLACE FUNCTION @extschema@.open_range_start(range_start timestamptz, range_end timestamptz)
RETURNS timestamptz
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
  IF NOT EXISTS (
    SELECT FROM @extschema@.chunks AS c
    WHERE c.range_start = $1 AND c.range_end < $2 AND c.state = 'dropped'
  ) THEN
    RETURN $1;
  END IF;
  RETURN (
    SELECT max(c.range_end) FROM @extschema@.chunks AS c
    WHERE c.range_start >= $1 AND c.range_end < $2 AND c.state = 'dropped'
  );
END;
$$;
