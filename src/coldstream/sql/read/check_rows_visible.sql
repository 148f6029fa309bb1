-- audience: part; needs timescale
-- Refuses to go on where a setting of the session or the database makes TimescaleDB show less than there
-- is: then a compressed chunk gives no rows and no error, and what is written goes where nobody looks for
-- it. restoring is on from timescaledb_pre_restore() to timescaledb_post_restore(), which may have been
-- forgotten. A session in which TimescaleDB is not loaded has none of its settings, and chunks are tables like
-- any other there. The others are planner settings that anybody may set.
CREATE OR REPLACE FUNCTION @extschema@.check_rows_visible()
RETURNS void
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  _setting text := CASE
    WHEN current_setting('timescaledb.restoring', true) IS NULL THEN
      'TimescaleDB is not loaded in this session'
    WHEN current_setting('timescaledb.restoring', true) = 'on' THEN 'timescaledb.restoring is on'
    WHEN current_setting('timescaledb.enable_columnarscan', true) = 'off' THEN
      'timescaledb.enable_columnarscan is off'
    WHEN current_setting('timescaledb.enable_transparent_decompression', true) = 'off' THEN
      'timescaledb.enable_transparent_decompression is off'
  END;
BEGIN
  IF _setting IS NOT NULL THEN
    RAISE EXCEPTION 'Part of the history cannot be seen: %', _setting
      USING
        ERRCODE = 'cannot_connect_now',
        HINT = CASE
          WHEN _setting LIKE 'TimescaleDB is not%' THEN
            'Take timescaledb.disable_load back, here and where the database or the role sets it, '
            'and connect again.'
          WHEN _setting LIKE '%restoring%' THEN
            'A restore is at work, or was not ended: SELECT timescaledb_post_restore(), then connect again.'
          ELSE 'Set it back, in this session and where the database or the role sets it.'
        END;
  END IF;
END;
$$;
