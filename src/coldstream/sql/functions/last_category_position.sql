-- The last global position of a category that is visible now; 0 where there is none. A writer of the
-- category holds its lock from before it draws a position until it ends, so whatever is written later
-- gets a later one.
CREATE OR REPLACE FUNCTION @extschema@.last_category_position(category varchar)
RETURNS bigint
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  _range tstzrange;
  _last bigint;
  _result bigint := 0;
BEGIN
  FOREACH _range IN ARRAY (
    SELECT o.ranges FROM @extschema@.store AS s, @extschema@.open_ranges(s.closed_before) AS o
  ) LOOP
    EXECUTE 'SELECT m.global_position FROM @extschema@.messages AS m
      WHERE m.stream_category = $1 AND m.time >= pg_catalog.lower($2) AND m.time < pg_catalog.upper($2)
      ORDER BY m.global_position DESC LIMIT 1'
    INTO _last USING $1, _range;
    _result := greatest(_result, _last);
  END LOOP;
  RETURN greatest(_result, (
    SELECT pg_catalog.max(c.last_global_position) FROM @extschema@.chunk_categories AS c
    WHERE c.category = $1
  ));
END;
$$;
