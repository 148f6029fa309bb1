-- audience: internal; needs timescale
-- Takes the triggers that are not the store's from a chunk that archived rows are loaded into: those rows
-- are no news, and a trigger that sends them on would send history twice. The table keeps its triggers,
-- and so does every other chunk; this one takes no writes.
CREATE OR REPLACE FUNCTION @extschema@.drop_foreign_triggers(range_start timestamptz)
RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  _trigger record;
BEGIN
  FOR _trigger IN
    SELECT t.tgname, h.chunk
    FROM @extschema@.hypertable_chunks() AS h
    JOIN pg_trigger AS t ON t.tgrelid = h.chunk
    WHERE h.range_start = $1 AND NOT t.tgisinternal
      AND t.tgname NOT IN ('messages_before_insert', 'messages_after_delete', 'messages_after_update')
  LOOP
    EXECUTE format(
      'DROP TRIGGER %I ON %s', _trigger.tgname, @extschema@.qualified_name(_trigger.chunk)
    );
  END LOOP;
END;
$$;
