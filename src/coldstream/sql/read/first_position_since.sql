-- audience: part
-- The first global position, of a category (NULL: of any), of the messages written at or after a time; of
-- chunks that are closed or have left the database, by the ledger's word. NULL where there is none.
--
-- STABLE, so that the ledger and the messages are seen at one moment; see read_positions.
CREATE OR REPLACE FUNCTION @extschema@.first_position_since(category text, "time" timestamptz)
RETURNS bigint
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
  _closed_before constant timestamptz := (SELECT s.closed_before FROM @extschema@.store AS s);
  _since constant tstzrange := tstzrange($2, 'infinity');
  _open record;
  _around record;
  _first bigint;
  _first_in_rows bigint;
BEGIN
  _open := @extschema@.open_ranges(_closed_before);
  SELECT coalesce(array_agg(tstzrange($2, c.range_end)), '{}') AS ranges,
    coalesce(array_agg(c.chunk_name), '{}') AS chunk_names
  INTO _around
  FROM @extschema@.chunks AS c
  WHERE c.state NOT IN ('open', 'dropped') AND c.range_start < $2 AND c.range_end > $2;

  IF $1 IS NULL THEN
    SELECT min(c.first_global_position) INTO _first FROM @extschema@.chunks AS c
    WHERE c.state <> 'open'
      AND (c.range_start >= $2 OR (c.state = 'dropped' AND c.range_end > $2));
  ELSE
    SELECT min(k.first_global_position) INTO _first
    FROM @extschema@.chunk_categories AS k
    JOIN @extschema@.chunks AS c ON c.range_start = k.range_start
    WHERE k.category = $1 AND c.state <> 'open'
      AND (c.range_start >= $2 OR (c.state = 'dropped' AND c.range_end > $2));
  END IF;

  _first_in_rows := @extschema@.first_position($1, 0, ARRAY(
    SELECT r.range * _since FROM unnest(_open.ranges) AS r (range) WHERE r.range && _since
  ) || _around.ranges);
  PERFORM @extschema@.check_chunks_unchanged(_open.chunk_names || _around.chunk_names, _closed_before);
  RETURN least(_first, _first_in_rows);
END;
$$;
