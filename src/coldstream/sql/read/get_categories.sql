-- audience: application
-- The categories whose names begin with a prefix, in the order of names (by bytes), after one of them: how many
-- streams and messages each has, its first and last activity, how many of its messages are in which tier, and what
-- they take there: of each chunk the share that its messages are. A chunk that is open says neither, so what no
-- closed one has counts as hot, and is not among database_bytes.
--
-- From the heads and the ledger: no message is looked at. It reads every head, so it takes the longer the more
-- streams there are. Messages that were deleted, or that an import left out, are counted: positions are.
CREATE OR REPLACE FUNCTION @extschema@.get_categories(
  prefix text DEFAULT '',
  "after" text DEFAULT '',
  "limit" integer DEFAULT 1000
)
RETURNS TABLE (
  category text,
  streams bigint,
  messages bigint,
  first_time timestamptz,
  last_time timestamptz,
  hot_messages bigint,
  warm_messages bigint,
  rehydrated_messages bigint,
  cold_messages bigint,
  gone_messages bigint,
  database_bytes bigint,
  archive_bytes bigint
)
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
  IF $3 IS NULL OR $3 < 1 THEN
    RAISE EXCEPTION 'limit must be at least 1: %', coalesce($3::text, 'NULL')
      USING ERRCODE = 'invalid_parameter_value';
  END IF;
  RETURN QUERY
  WITH h AS (
    SELECT split_part(s.stream_name, '-', 1) AS category, count(*) AS streams,
      sum(s.position + 1)::bigint AS messages, min(s.first_time) AS first_time, max(s.time) AS last_time
    FROM @extschema@.streams AS s
    WHERE starts_with(s.stream_name, coalesce($1, ''))
      AND split_part(s.stream_name, '-', 1) COLLATE "C" > coalesce($2, '')
    GROUP BY 1
    ORDER BY split_part(s.stream_name, '-', 1) COLLATE "C"
    LIMIT $3
  ), c AS MATERIALIZED (
    SELECT c.range_start, @extschema@.chunk_tier(c) AS tier,
      @extschema@.chunk_bytes(c)::numeric / nullif(c.messages, 0) AS database_bytes,
      c.archive_bytes::numeric / nullif(c.messages, 0) AS archive_bytes
    FROM @extschema@.chunks AS c
    WHERE c.state <> 'open'
  ), r AS (
    SELECT k.category,
      coalesce(sum(k.messages) FILTER (WHERE c.tier = 'warm'), 0)::bigint AS warm,
      coalesce(sum(k.messages) FILTER (WHERE c.tier = 'rehydrated'), 0)::bigint AS rehydrated,
      coalesce(sum(k.messages) FILTER (WHERE c.tier = 'cold'), 0)::bigint AS cold,
      coalesce(sum(k.messages) FILTER (WHERE c.tier = 'gone'), 0)::bigint AS gone,
      sum(k.messages * c.database_bytes)::bigint AS database_bytes,
      sum(k.messages * c.archive_bytes)::bigint AS archive_bytes
    FROM @extschema@.chunk_categories AS k
    JOIN c ON c.range_start = k.range_start
    WHERE starts_with(k.category, split_part(coalesce($1, ''), '-', 1))
    GROUP BY k.category
  )
  SELECT h.category, h.streams, h.messages, h.first_time, h.last_time,
    greatest(
      0, h.messages - coalesce(r.warm, 0) - coalesce(r.rehydrated, 0) - coalesce(r.cold, 0) - coalesce(r.gone, 0)
    ),
    coalesce(r.warm, 0), coalesce(r.rehydrated, 0), coalesce(r.cold, 0), coalesce(r.gone, 0),
    r.database_bytes, r.archive_bytes
  FROM h LEFT JOIN r ON r.category = h.category
  ORDER BY h.category COLLATE "C";
END;
$$;
