-- The categories with most messages, with their first, middle and last global positions.
SELECT split_part(m.stream_name, '-', 1), count(*),
  min(m.global_position),
  percentile_disc(0.5) WITHIN GROUP (ORDER BY m.global_position),
  max(m.global_position)
FROM @plain@.messages AS m
GROUP BY 1
ORDER BY 2 DESC, 1
LIMIT %(count)s
