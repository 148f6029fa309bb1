-- audience: internal
-- The id of a message that somebody deleted is free again. A chunk that was closed is open again, so that
-- it is counted anew; of one that is sealed the ledger knows that fewer are no loss.
CREATE OR REPLACE FUNCTION @extschema@.messages_after_delete()
RETURNS trigger
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  DELETE FROM @extschema@.recent_ids AS r
  WHERE r.id = OLD.id AND r.global_position = OLD.global_position;

  IF pg_catalog.left(pg_catalog.current_setting('transaction_isolation'), 4) <> 'read' THEN
    -- Or a closing, and a count, that this snapshot cannot see would go unnoticed: see admit_time.
    PERFORM FROM @extschema@.store AS s FOR SHARE;
    PERFORM FROM @extschema@.chunks AS c WHERE tstzrange(c.range_start, c.range_end) @> OLD.time FOR SHARE;
  END IF;
  UPDATE @extschema@.chunks AS c
  SET thinned = true,
    state = CASE WHEN c.state IN ('closed', 'compressed') THEN 'open' ELSE c.state END,
    closed_at = CASE WHEN c.state IN ('closed', 'compressed') THEN NULL ELSE c.closed_at END
  WHERE tstzrange(c.range_start, c.range_end) @> OLD.time AND c.state <> 'dropped'
    AND (NOT c.thinned OR c.state IN ('closed', 'compressed'));
  RETURN NULL;
END;
$$;
