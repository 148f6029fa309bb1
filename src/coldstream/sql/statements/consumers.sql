-- name: new_messages
SELECT n.closed_before::text, n.positions, n.categories
FROM @extschema@.new_messages(%s, %s, %s::bigint[], %s) AS n

-- name: notifies
SELECT s.notify FROM @extschema@.store AS s

-- name: position_streams
-- Position streams that end, or point, before the end of one of these chunks: with the start of each such
-- chunk. Clients of Message DB keep a consumer's position as a message of a stream of its own, named by a
-- convention: "category:position-id" (also with other types beside position), "category+position-id",
-- "subscriberPosition-id". What such a consumer reads when it starts is that message, and what follows the
-- position in it; either may be in one of these chunks, and leaves the database with it.
WITH heads AS (
  SELECT h.stream_name, h.time, pg_catalog.split_part(h.stream_name, '-', 1) AS category
  FROM @extschema@.streams AS h
  WHERE pg_catalog.split_part(h.stream_name, '-', 1) ~ '[:+]position([+]|$)'
    OR pg_catalog.split_part(h.stream_name, '-', 1) = 'subscriberPosition'
), known AS (
  SELECT h.stream_name, h.time,
    -- NULL where the convention does not say what is read.
    nullif(
      pg_catalog.regexp_replace(h.category, '[:+]position([+]|$)', ''), 'subscriberPosition'
    ) AS source,
    CASE WHEN m.recorded ~ '^[0-9]{1,18}$' THEN m.recorded::bigint END AS recorded
  FROM heads AS h
  LEFT JOIN LATERAL (
    SELECT m.data ->> 'position' AS recorded
    FROM @extschema@.messages AS m
    WHERE m.stream_name = h.stream_name AND m.stream_category = h.category AND m.time = h.time
      AND pg_catalog.json_typeof(m.data) = 'object'
    ORDER BY m.position DESC
    LIMIT 1
  ) AS m ON true
)
SELECT c.range_start, k.stream_name
-- Not from the ledger: a dry run asks of chunks that nobody has closed yet, too.
FROM unnest(%s::timestamptz[], %s::timestamptz[], %s::bigint[])
  AS c (range_start, range_end, last_global_position)
JOIN known AS k
  ON k.time >= c.range_start AND k.time < c.range_end
  OR CASE
    WHEN k.source IS NULL THEN c.last_global_position >= k.recorded
    ELSE EXISTS (
      SELECT FROM @extschema@.chunk_categories AS r
      WHERE r.range_start = c.range_start AND r.category = k.source
        AND r.last_global_position >= k.recorded
    ) OR NOT EXISTS (
      SELECT FROM @extschema@.chunk_categories AS r WHERE r.range_start = c.range_start
    ) AND EXISTS (
      SELECT FROM @extschema@.messages AS m
      WHERE m.stream_category = k.source AND m.global_position >= k.recorded
        AND m.time >= c.range_start AND m.time < c.range_end
    )
  END
ORDER BY c.range_start, k.stream_name

-- name: renew_consumer_leases
SELECT member, size, position, token, keep
FROM @extschema@.renew_consumer_leases(%s, %s, %s, %s)

-- name: session_is_ours
-- Whether the session took our startup options: one of a pooler did not.
SELECT pg_catalog.current_setting('coldstream.session', true) OPERATOR(pg_catalog.=) 'on'
