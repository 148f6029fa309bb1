-- audience: application
-- Where messages with these ids are in these streams: the n-th id in the n-th stream. A row for each that
-- is found, in no order, with the epoch of the archive. The unique index on id finds them.
CREATE OR REPLACE FUNCTION @extschema@.find_messages(stream_names varchar[], ids uuid[])
RETURNS TABLE (
  stream_name varchar,
  id uuid,
  "position" bigint,
  global_position bigint,
  archive_epoch bigint
)
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
  RETURN QUERY
  SELECT m.stream_name::varchar, m.id, m.position, m.global_position, s.archive_epoch
  FROM @extschema@.store AS s, (SELECT DISTINCT * FROM unnest($1, $2)) AS u (stream_name, id)
  JOIN @extschema@.messages AS m ON m.id = u.id AND m.stream_name = u.stream_name;
END;
$$;
