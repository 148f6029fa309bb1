-- Some short-lived streams that begin in a range of time and have no message after it, the same ones for
-- the same seed.
SELECT m.stream_name
FROM @plain@.messages AS m
WHERE m.position = 0 AND m.stream_name NOT LIKE ALL (ARRAY['ledger-%%', 'busy-%%'])
  AND m.time >= %(start)s::timestamptz AT TIME ZONE 'UTC'
  AND m.time < %(end)s::timestamptz AT TIME ZONE 'UTC'
  AND NOT EXISTS (
    SELECT FROM @plain@.messages AS l
    WHERE l.stream_name = m.stream_name AND l.position > 0
      AND l.time >= %(end)s::timestamptz AT TIME ZONE 'UTC'
  )
ORDER BY md5(m.stream_name || %(seed)s)
LIMIT %(count)s
