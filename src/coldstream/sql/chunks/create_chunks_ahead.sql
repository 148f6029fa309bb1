-- audience: internal; needs timescale
-- Makes the chunk of now, and the next one when it is near, before a message needs it. The write that
-- makes a chunk locks the hypertable until its transaction ends, and every other category waits.
CREATE OR REPLACE FUNCTION @extschema@.create_chunks_ahead()
RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  _now constant timestamptz := clock_timestamp();
  _near constant timestamptz := _now + (SELECT s.chunk_interval / 7 FROM @extschema@.store AS s);
  _now_is_there boolean;
  _near_is_there boolean;
BEGIN
  -- One look at the chunks: it takes the longer the more there are.
  SELECT coalesce(bool_or(h.range_start <= _now AND h.range_end > _now), false),
    coalesce(bool_or(h.range_start <= _near AND h.range_end > _near), false)
  INTO _now_is_there, _near_is_there
  FROM @extschema@.hypertable_chunks() AS h;

  IF NOT _now_is_there THEN
    PERFORM @extschema@.make_chunk_at(_now);
  END IF;
  -- The chunk of now that was just made may reach as far.
  IF NOT _near_is_there AND (
    _now_is_there OR NOT EXISTS (
      SELECT FROM @extschema@.hypertable_chunks() AS h
      WHERE h.range_start <= _near AND h.range_end > _near
    )
  ) THEN
    PERFORM @extschema@.make_chunk_at(_near);
  END IF;
END;
$$;
