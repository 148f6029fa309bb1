-- audience: owner
-- Switches on, or off, that writes wake consumers: each sends NOTIFY on the channel that is named as the
-- schema, with its category as the payload. Off by default, because transactions that notify commit one
-- at a time (docs/how-to/consume-messages.md has the figures).
--
-- On the heads, which every way of writing updates: a trigger on messages would have to be made on every
-- chunk. Off means that there is no trigger at all.
CREATE OR REPLACE FUNCTION @extschema@.set_notify(notify boolean)
RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
  DROP TRIGGER IF EXISTS streams_after_write ON @extschema@.streams;
  IF $1 THEN
    CREATE TRIGGER streams_after_write
    AFTER INSERT OR UPDATE OF position ON @extschema@.streams
    FOR EACH ROW
    EXECUTE FUNCTION @extschema@.streams_after_write();
  END IF;
  UPDATE @extschema@.store SET notify = $1;
END;
$$;
