-- Drops every chunk that ended this long ago, and returns what it dropped. Refuses, and drops
-- nothing, when one of them is not archived; force => true drops those too, and their data is lost.
CREATE OR REPLACE FUNCTION @extschema@.drop_chunks_older_than(
  older_than interval,
  force boolean DEFAULT false
)
RETURNS TABLE (
  range_start timestamptz,
  range_end timestamptz,
  messages bigint,
  archive_object text
)
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
  _before timestamptz := @extschema@.check_older_than($1);
BEGIN
  RETURN QUERY
  SELECT r.range_start, r.range_end, r.messages, r.archive_object
  FROM @extschema@.hypertable_chunks() AS h
  CROSS JOIN LATERAL @extschema@.drop_range(h.range_start, $2) AS r
  WHERE h.range_end <= _before;
END;
$$;
