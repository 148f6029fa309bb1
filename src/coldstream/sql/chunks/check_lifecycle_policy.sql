-- audience: internal; needs timescale
-- Refuses ages in the wrong order: a sealed chunk is not compressed any more, and only what was
-- archived is dropped.
CREATE OR REPLACE FUNCTION @extschema@.check_lifecycle_policy(
  compress_after interval,
  archive_after interval,
  drop_after interval
)
RETURNS void
LANGUAGE plpgsql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  _problem text := CASE
    WHEN least($1, $2, $3) <= INTERVAL '0' THEN 'an age has to be more than nothing'
    WHEN $2 IS NULL AND $3 IS NOT NULL THEN 'drop_after needs archive_after'
    WHEN $1 > $2 THEN pg_catalog.format('compress_after (%s) is more than archive_after (%s)', $1, $2)
    WHEN $2 > $3 THEN pg_catalog.format('archive_after (%s) is more than drop_after (%s)', $2, $3)
  END;
BEGIN
  IF _problem IS NOT NULL THEN
    RAISE EXCEPTION 'Not a lifecycle policy: %', _problem
      USING
        ERRCODE = 'invalid_parameter_value',
        HINT = 'compress_after <= archive_after <= drop_after; what is NULL is never done.';
  END IF;
END;
$$;
