-- audience: internal; needs timescale
-- A global position that no message in a row-form chunk lies below; NULL where there is none.
-- Open chunks count whatever their form: late messages may be in them as rows.
CREATE OR REPLACE FUNCTION @extschema@.first_position_in_rows()
RETURNS bigint
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  _chunk record;
  _first bigint;
  _least bigint;
BEGIN
  FOR _chunk IN
    SELECT h.range_start, h.range_end, c.first_global_position, coalesce(c.state, 'open') AS state
    FROM @extschema@.hypertable_chunks() AS h
    LEFT JOIN @extschema@.chunks AS c ON c.range_start = h.range_start
    WHERE coalesce(c.state, 'open') = 'open' OR (
      NOT h.is_compressed AND c.state NOT IN ('dropped', 'rehydrated')
    )
  LOOP
    _first := _chunk.first_global_position;
    IF _chunk.state = 'open' THEN
      EXECUTE
        'SELECT min(m.global_position) FROM @extschema@.messages AS m
         WHERE m.time >= $1 AND m.time < $2'
      INTO _first USING _chunk.range_start, _chunk.range_end;
    END IF;
    _least := least(_least, _first);
  END LOOP;
  RETURN _least;
END;
$$;
