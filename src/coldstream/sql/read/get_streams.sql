-- audience: application
-- The streams whose names begin with a prefix, in the order of names (by bytes), after one of them: each with the
-- position of its last message, how many messages that makes (there are fewer where an import left some out),
-- its first and last activity, the tiers that messages of that time are in, and about what they take in the
-- database and in the archive.
--
-- Those sizes are estimates: the store does not count a stream's messages in each chunk. They are as if the stream
-- had been written to evenly from its first message to its last, and each message were as large as the others of its
-- chunk. A chunk that is open has no size yet; NULL: the stream has time in no other.
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
  tiers text[],
  estimated_database_bytes bigint,
  estimated_archive_bytes bigint
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
  WITH sizes AS MATERIALIZED (
    SELECT c.range_start, c.range_end,
      @extschema@.chunk_bytes(c)::float8 / nullif(c.messages, 0) AS database_bytes,
      c.archive_bytes::float8 / nullif(c.messages, 0) AS archive_bytes
    FROM @extschema@.chunks AS c
    WHERE c.state <> 'open' AND c.messages > 0
  )
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
  ), e.database_bytes, e.archive_bytes
  FROM (
    SELECT s.stream_name, s.position, s.first_time, s.time
    FROM @extschema@.streams AS s
    WHERE starts_with(s.stream_name, coalesce($1, '')) AND s.stream_name COLLATE "C" > coalesce($2, '')
    ORDER BY s.stream_name COLLATE "C"
    LIMIT $3
  ) AS h,
  LATERAL (
    SELECT sum(p.messages * c.database_bytes)::bigint AS database_bytes,
      sum(p.messages * c.archive_bytes)::bigint AS archive_bytes
    FROM sizes AS c,
      LATERAL (
        -- What has one time alone is in one chunk.
        SELECT (h.position + 1) * coalesce(
          extract(epoch FROM least(h.time, c.range_end) - greatest(h.first_time, c.range_start))
            / nullif(extract(epoch FROM h.time - h.first_time), 0),
          1
        )::float8 AS messages
      ) AS p
    WHERE c.range_start <= h.time AND c.range_end > h.first_time
  ) AS e
  ORDER BY h.stream_name COLLATE "C";
END;
$$;
