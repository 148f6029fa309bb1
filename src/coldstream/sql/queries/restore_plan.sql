-- What is to become of each archived range, by the ledger alone: restored, a range that only the archive
-- has; merged, one that is in the database and may lack messages; database and known, where both have the
-- same, in the database or only in the archive; overlaps and contradicts, where neither can be.
WITH there AS MATERIALIZED (
  SELECT h.range_start, h.range_end FROM @extschema@.hypertable_chunks() AS h
), everywhere AS MATERIALIZED (
  SELECT t.range_start, t.range_end FROM there AS t
  UNION
  SELECT c.range_start, c.range_end FROM @extschema@.chunks AS c
)
SELECT
  CASE
    WHEN o.range_start IS NOT NULL THEN 'overlaps'
    WHEN c.state <> 'dropped' OR t.range_start IS NOT NULL AND c.part_name IS NULL THEN
      CASE
        WHEN c.seen_digest = m.digest OR c.digest = m.digest AND c.archive_url = m.url
          THEN 'database'
        ELSE 'merged'
      END
    WHEN c.digest = m.digest AND c.archive_object IS NOT NULL AND c.verified_at IS NOT NULL THEN 'known'
    WHEN c.digest <> m.digest AND c.archive_object IS NOT NULL
      OR c.messages <> m.messages OR c.first_global_position <> m.first_global_position
      OR c.last_global_position <> m.last_global_position
      THEN 'contradicts'
    ELSE 'restored'
  END AS result,
  o.range_start, o.range_end
FROM unnest(
  %s::timestamptz[], %s::timestamptz[], %s::text[], %s::text[], %s::bigint[], %s::bigint[], %s::bigint[]
) WITH ORDINALITY AS m (
  range_start, range_end, url, digest, messages, first_global_position, last_global_position, number
)
LEFT JOIN @extschema@.chunks AS c ON c.range_start = m.range_start
LEFT JOIN there AS t ON t.range_start = m.range_start
LEFT JOIN LATERAL (
  SELECT e.range_start, e.range_end FROM everywhere AS e
  WHERE e.range_start < m.range_end AND e.range_end > m.range_start
    AND (e.range_start, e.range_end) <> (m.range_start, m.range_end)
  LIMIT 1
) AS o ON true
ORDER BY m.number
