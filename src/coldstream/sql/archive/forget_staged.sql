-- audience: internal; needs timescale
-- Drops what rehydrations loaded that nobody has gone on with for this long; returns how many there were. They
-- are in the archive, and a later run begins anew.
CREATE OR REPLACE FUNCTION @extschema@.forget_staged(age interval)
RETURNS integer
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  _range_start timestamptz;
  _count integer := 0;
BEGIN
  FOR _range_start IN
    SELECT c.range_start FROM @extschema@.chunks AS c
    WHERE c.state = 'dropped' AND c.archive_object IS NOT NULL
      AND coalesce((@extschema@.staged(c.range_start) ->> 'at')::timestamptz < clock_timestamp() - $1, false)
  LOOP
    EXECUTE format('DROP TABLE %s', @extschema@.staged_name(_range_start));
    _count := _count + 1;
  END LOOP;
  RETURN _count;
END;
$$;
