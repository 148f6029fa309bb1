-- audience: application
-- Moves a consumer to a position, every member of it; NULL: after the last message there is now. Who
-- works for it loses what it has in hand, and goes on from there. Returns how many members there are.
CREATE OR REPLACE FUNCTION @extschema@.reset_consumer(consumer text, "position" bigint)
RETURNS integer
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
  _source text;
  _end bigint;
  _count integer;
BEGIN
  SELECT c.source INTO _source FROM @extschema@.consumers AS c WHERE c.consumer = $1 LIMIT 1;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'No consumer of this name: %', $1
      USING ERRCODE = 'CS010', HINT = 'List them with get_consumers.';
  END IF;

  _end := CASE
    WHEN strpos(_source, '-') > 0 THEN coalesce(@extschema@.stream_version(_source), -1)
    ELSE @extschema@.frontier()
  END + 1;
  IF $2 > _end OR $2 < 0 THEN
    RAISE EXCEPTION 'Consumer % cannot go to position %: positions are 0 to %', $1, $2, _end
      USING ERRCODE = 'CS010', HINT = 'The last one is after the last message.';
  END IF;

  UPDATE @extschema@.consumers AS c
  SET position = coalesce($2, _end), token = c.token + 1, owner = NULL, lease_until = NULL,
    recorded_at = clock_timestamp()
  WHERE c.consumer = $1;
  GET DIAGNOSTICS _count = ROW_COUNT;
  RETURN _count;
END;
$$;
