-- audience: application
-- The streams whose names begin with a prefix, in the order of names (by bytes), after one of them: each with the
-- position of its last message, how many messages that makes (there are fewer where an import left some out),
-- its first and last activity, and the tiers that messages of that time are in.
--
-- From the heads and the ledger: no message is looked at. It reads every head, so it takes the longer the more
-- streams there are.
CREATE OR REPLACE FUNCTION @extschema@.get_streams(
  prefix text DEFAULT '',
  "after" text DEFAULT '',
  "limit" integer DEFAULT 1000
)
RETURNS TABLE (
  stream_name text,
  "position" bigint,
  messages bigint,
  first_time timestamptz,
  last_time timestamptz,
  tiers text[]
)
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
  _closed_before timestamptz := (SELECT s.closed_before FROM @extschema@.store AS s);
BEGIN
  IF $3 IS NULL OR $3 < 1 THEN
    RAISE EXCEPTION 'limit must be at least 1: %', coalesce($3::text, 'NULL')
      USING ERRCODE = 'invalid_parameter_value';
  END IF;
  RETURN QUERY
  SELECT h.stream_name, h.position, h.position + 1, h.first_time, h.time, ARRAY(
    SELECT t.tier
    FROM (
      SELECT @extschema@.chunk_tier(c) AS tier
      FROM @extschema@.chunks AS c
      WHERE c.range_start <= h.time AND c.range_end > h.first_time
      UNION
      SELECT 'hot' WHERE h.time >= _closed_before
    ) AS t
    ORDER BY array_position(ARRAY['hot', 'warm', 'rehydrated', 'cold', 'gone'], t.tier)
  )
  FROM (
    SELECT s.stream_name, s.position, s.first_time, s.time
    FROM @extschema@.streams AS s
    WHERE starts_with(s.stream_name, coalesce($1, '')) AND s.stream_name COLLATE "C" > coalesce($2, '')
    ORDER BY s.stream_name COLLATE "C"
    LIMIT $3
  ) AS h
  ORDER BY h.stream_name COLLATE "C";
END;
$$;
