-- audience: part; needs timescale
-- The last message of a stream, or the last one of a type, over every tier: backwards from the stream's end, each
-- time sixteen times as far, so that a long stream is not read from its start.
CREATE OR REPLACE FUNCTION @extschema@.last_over_tiers(stream_name varchar, type varchar)
RETURNS SETOF @extschema@.message
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  -- From here on there is none.
  _end bigint := @extschema@.stream_version($1) + 1;
  _count bigint := CASE WHEN $2 IS NULL THEN 1 ELSE 256 END;
  _found @extschema@.message;
BEGIN
  WHILE _end > 0 LOOP
    SELECT m.* INTO _found
    FROM @extschema@.stream_over_tiers(
      $1, greatest(0, _end - _count), least(_count, _end), NULL
    ) AS m
    WHERE m.position < _end AND ($2 IS NULL OR m.type = $2)
    ORDER BY m.position DESC
    LIMIT 1;
    IF _found.position IS NOT NULL THEN
      RETURN NEXT _found;
      RETURN;
    END IF;
    _end := greatest(0, _end - _count);
    _count := _count * 16;
  END LOOP;
END;
$$;
