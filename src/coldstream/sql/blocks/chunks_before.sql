-- Where the three chunks before the one of $1 begin, the nearest first.
_before timestamptz[] := ARRAY(
  SELECT c.range_start FROM @extschema@.chunks AS c
  WHERE c.range_start < $1
  ORDER BY c.range_start DESC
  LIMIT 3
);
