-- Whether any stream that lived between two times is matched.
SELECT EXISTS (
  SELECT FROM @extschema@.streams AS s
  WHERE s.time >= %(start)s AND s.first_time < %(end)s
    AND @extschema@.stream_matches(s.stream_name, %(streams)s)
)
