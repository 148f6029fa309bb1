-- Makes the chunk of now, and the next one when it is near, before a message needs it. The write that
-- makes a chunk locks the hypertable until its transaction ends, and every other category waits.
--
-- A message is written and deleted at once: so TimescaleDB aligns the chunk as it would any other.
CREATE OR REPLACE FUNCTION @extschema@.create_chunks_ahead()
RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET "coldstream.writing" = 'on'
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
    INSERT INTO @extschema@.messages (global_position, position, stream_name, type, time)
    VALUES (0, 0, '', '', _time);
    EXECUTE format(
      'DELETE FROM @extschema@.messages WHERE global_position = 0 AND time >= %L', _time
    );
  END LOOP;
END;
$$;
