-- Which of the streams f (stream_key, stream_name, position) of a chunk get a mark there, after $3 and $4, where the
-- chunk before it and the third one before it begin: those that have neither begun nor been marked in it or in
-- one of the three chunks before it, or in the one before it where they have enough messages since. A mark takes
-- about as much as a message in the columnstore.
LEFT JOIN LATERAL (
  SELECT k.position, k.range_start
  FROM @extschema@.stream_marks AS k
  WHERE k.stream_key = f.stream_key AND k.position <= f.position
  ORDER BY k.position DESC
  LIMIT 1
) AS k ON true
WHERE f.position > 0 AND h.time_ordered AND (
  coalesce(k.range_start, h.first_time) < $4
  OR coalesce(k.range_start, h.first_time) < $3 AND f.position - coalesce(k.position, 0) >= 8
)
ON CONFLICT DO NOTHING
