-- audience: internal
-- After the messages of the session's incoming table were put into messages, which holds the locks of
-- their chunks: refuses them where history is sealed, and opens the closed chunks that they went into; see
-- admit_time. The list of chunks takes the longer the more there are, so it is looked at only where a time is late.
CREATE OR REPLACE FUNCTION @extschema@.admit_incoming()
RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  IF (
    (SELECT min(i.time) FROM pg_temp.coldstream_incoming AS i)
      < to_timestamp(
        least(pg_sequence_last_value('@extschema@.closed_before') # @extschema@.store_token(), 9000000000000)
      )
  ) IS NOT FALSE THEN
    PERFORM @extschema@.admit_time(c.time)
    FROM (
      SELECT min(i.time) AS time
      FROM pg_temp.coldstream_incoming AS i
      JOIN @extschema@.hypertable_chunks() AS h ON i.time >= h.range_start AND i.time < h.range_end
      GROUP BY h.range_start
    ) AS c;
  END IF;
END;
$$;
