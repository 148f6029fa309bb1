-- Locks a chunk, then its row in the ledger, and returns the row. In this order everywhere: a writer
-- of late data holds the chunk when it comes to the row (admit_time), so the other way round two
-- transactions would wait for each other.
CREATE OR REPLACE FUNCTION @extschema@.lock_range(range_start timestamptz, mode text)
RETURNS @extschema@.chunks
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
  _chunk regclass;
  _row @extschema@.chunks;
BEGIN
  SELECT h.chunk INTO _chunk FROM @extschema@.hypertable_chunks() AS h WHERE h.range_start = $1;
  IF FOUND THEN
    EXECUTE pg_catalog.format(
      'LOCK TABLE %s IN %s MODE', @extschema@.qualified_name(_chunk), $2
    );
  END IF;

  SELECT c.* INTO _row FROM @extschema@.chunks AS c WHERE c.range_start = $1 FOR UPDATE;
  RETURN _row;
END;
$$;
