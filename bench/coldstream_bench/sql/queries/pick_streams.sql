-- Some streams whose numbers of messages are in a range, the same ones for the same seed, with their last positions.
SELECT m.stream_name, max(m.position)
FROM @plain@.messages AS m
GROUP BY m.stream_name
HAVING count(*) >= %(at_least)s AND count(*) <= %(at_most)s
ORDER BY md5(m.stream_name || %(seed)s)
LIMIT %(count)s
