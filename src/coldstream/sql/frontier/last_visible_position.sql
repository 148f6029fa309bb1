-- audience: part
-- last_category_position, at one moment: the ledger and the messages must not be seen at two. A reader that takes the
-- answer for the end would go past what it lacks, so chunks that changed meanwhile are looked at as by a read:
-- see read_positions.
CREATE OR REPLACE FUNCTION @extschema@.last_visible_position(category varchar)
RETURNS bigint
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  _closed_before constant timestamptz := (SELECT s.closed_before FROM @extschema@.store AS s);
  _open constant record := @extschema@.open_ranges(_closed_before);
  _range tstzrange;
  _last bigint;
  _result bigint := 0;
BEGIN
  FOREACH _range IN ARRAY _open.ranges LOOP
    EXECUTE 'SELECT m.global_position FROM @extschema@.messages AS m
      WHERE m.stream_category = $1 AND m.time >= pg_catalog.lower($2) AND m.time < pg_catalog.upper($2)
      ORDER BY m.global_position DESC LIMIT 1'
    INTO _last USING $1, _range;
    _result := greatest(_result, _last);
  END LOOP;
  PERFORM @extschema@.check_chunks_unchanged(_open.chunk_names, _closed_before);
  RETURN greatest(_result, (
    SELECT pg_catalog.max(c.last_global_position) FROM @extschema@.chunk_categories AS c
    WHERE c.category = $1
  ));
END;
$$;
