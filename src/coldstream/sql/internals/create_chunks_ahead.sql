-- Makes the chunk of now, and the next one when it is near, before a message needs it. The write that
-- makes a chunk locks the hypertable until its transaction ends, and every other category waits.
CREATE OR REPLACE FUNCTION @extschema@.create_chunks_ahead()
RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  _near interval := (SELECT s.chunk_interval / 7 FROM @extschema@.store AS s);
  _time timestamptz;
BEGIN
  FOREACH _time IN ARRAY ARRAY[clock_timestamp(), clock_timestamp() + _near] LOOP
    CONTINUE WHEN EXISTS (
      SELECT FROM @extschema@.hypertable_chunks() AS h
      WHERE h.range_start <= _time AND h.range_end > _time
    );
    PERFORM @extschema@.make_chunk_at(_time);
  END LOOP;
END;
$$;
