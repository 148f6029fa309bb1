-- audience: part
-- The first global position at or after one, of a category (NULL: of any), in ranges of time.
CREATE OR REPLACE FUNCTION @extschema@.first_position(
  category text,
  "position" bigint,
  ranges tstzrange[]
)
RETURNS bigint
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  _statement constant text :=
    'SELECT m.global_position FROM @extschema@.messages AS m
     WHERE m.global_position >= $2 AND m.time >= pg_catalog.lower($3)
       AND m.time < pg_catalog.upper($3)' || CASE WHEN $1 IS NULL THEN '' ELSE '
       AND m.stream_category = $1' END || '
     ORDER BY m.global_position LIMIT 1';
  _range tstzrange;
  _first bigint;
  _result bigint;
BEGIN
  FOREACH _range IN ARRAY $3 LOOP
    EXECUTE _statement INTO _first USING $1, $2, _range;
    _result := least(_result, _first);
  END LOOP;
  RETURN _result;
END;
$$;
