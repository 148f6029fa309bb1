-- audience: part
-- Whether one of these patterns matches a stream name, all of it: * is any text, ? any character, and
-- everything else is itself. NULL where there are no patterns.
--
-- The only place that says so: what is loaded of an archived range and what reads find there later are
-- told by the same function, so a stream that it matches is there with all of its messages.
CREATE OR REPLACE FUNCTION @extschema@.stream_matches(stream_name text, patterns text[])
RETURNS boolean
LANGUAGE plpgsql IMMUTABLE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  _pattern text;
BEGIN
  FOREACH _pattern IN ARRAY $2 LOOP
    _pattern := pg_catalog.replace(_pattern, '~', '~~');
    _pattern := pg_catalog.replace(_pattern, '%', '~%');
    _pattern := pg_catalog.replace(_pattern, '_', '~_');
    IF $1 LIKE pg_catalog.translate(_pattern, '*?', '%_') ESCAPE '~' THEN
      RETURN true;
    END IF;
  END LOOP;
  RETURN false;
END;
$$;
