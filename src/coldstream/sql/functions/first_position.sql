-- The first global position at or after one, of a category (NULL: of any), in ranges of time.
CREATE OR REPLACE FUNCTION @extschema@.first_position(
  category text,
  "position" bigint,
  ranges tstzrange[]
)
RETURNS bigint
LANGUAGE plpgsql STABLE
AS $$
DECLARE
  _range tstzrange;
  _first bigint;
  _result bigint;
BEGIN
  FOREACH _range IN ARRAY $3 LOOP
    EXECUTE pg_catalog.format(
      'SELECT m.global_position FROM @extschema@.messages AS m
       WHERE %s m.global_position >= $2 AND m.time >= %L AND m.time < %L
       ORDER BY m.global_position LIMIT 1',
      CASE WHEN $1 IS NOT NULL THEN 'm.category = $1 AND' END,
      pg_catalog.lower(_range),
      coalesce(pg_catalog.upper(_range), 'infinity')
    ) INTO _first USING $1, $2;
    _result := least(_result, _first);
  END LOOP;
  RETURN _result;
END;
$$;
