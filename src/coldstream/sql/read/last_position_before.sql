-- audience: part
-- No message of a time before this one has a greater global position, by the ledger. NULL where that is not
-- known: a chunk of that time is still open.
CREATE OR REPLACE FUNCTION @extschema@.last_position_before("time" timestamptz)
RETURNS bigint
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
  SELECT CASE
    WHEN s.closed_before < $1 OR EXISTS (
      SELECT FROM @extschema@.chunks AS c WHERE c.state = 'open' AND c.range_start < $1
    ) THEN NULL
    ELSE coalesce((
      SELECT max(c.last_global_position) FROM @extschema@.chunks AS c WHERE c.range_start < $1
    ), 0)
  END
  FROM @extschema@.store AS s
$$;
