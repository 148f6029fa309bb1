-- The category that most of a category's messages are correlated with.
SELECT split_part(m.metadata ->> 'correlationStreamName', '-', 1)
FROM @plain@.messages AS m
WHERE split_part(m.stream_name, '-', 1) = %(category)s
  AND m.metadata ->> 'correlationStreamName' IS NOT NULL
GROUP BY 1
ORDER BY count(*) DESC, 1
LIMIT 1
