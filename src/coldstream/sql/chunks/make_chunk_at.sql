-- audience: owner; needs timescale
-- Makes the chunk of a time: aligned as TimescaleDB would align it, and fitted between the chunks that are
-- there and the ranges that have left (TimescaleDB does not know those, and a longer chunk that reached back
-- over one could not be archived).
CREATE OR REPLACE FUNCTION @extschema@.make_chunk_at("time" timestamptz)
RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  _epoch constant timestamptz := '1970-01-01 00:00:00+00';
  _interval constant bigint := (
    SELECT (extract(epoch FROM d.time_interval) * 1000000)::bigint
    FROM timescaledb_information.dimensions AS d
    WHERE d.hypertable_schema = '@extschema_name@' AND d.hypertable_name = 'messages'
      AND d.column_name = 'time'
  );
  _start constant timestamptz := _epoch + make_interval(secs => (
    floor(extract(epoch FROM $1) * 1000000 / _interval) * _interval / 1000000
  )::double precision);
  _end constant timestamptz := _start + make_interval(secs => _interval / 1000000.0::double precision);
  _fitted record;
BEGIN
  SELECT greatest(_start, max(r.range_end) FILTER (WHERE r.range_end <= $1)) AS range_start,
    least(_end, min(r.range_start) FILTER (WHERE r.range_start > $1)) AS range_end
  INTO _fitted
  FROM (
    SELECT h.range_start, h.range_end FROM @extschema@.hypertable_chunks() AS h
    UNION ALL
    SELECT c.range_start, c.range_end FROM @extschema@.chunks AS c
  ) AS r;
  PERFORM @extschema@.make_chunk(_fitted.range_start, _fitted.range_end, $1);
END;
$$;
