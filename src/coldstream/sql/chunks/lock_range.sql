-- audience: internal; needs timescale
-- Locks a chunk, then its row in the ledger, and returns the row. In this order everywhere: a writer
-- of late data holds the chunk when it comes to the row (admit_time), so the other way round two
-- transactions would wait for each other.
--
-- What the caller looks at under the lock must be what is there: at a higher level than READ COMMITTED
-- it would see what was there when its transaction began, and record, or drop, without the rest.
CREATE OR REPLACE FUNCTION @extschema@.lock_range(range_start timestamptz, mode text)
RETURNS @extschema@.chunks
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  _chunk regclass;
  _row @extschema@.chunks;
BEGIN
  IF pg_catalog.left(pg_catalog.current_setting('transaction_isolation'), 4) <> 'read' THEN
    RAISE EXCEPTION 'The lifecycle of a chunk needs a transaction that is READ COMMITTED'
      USING
        ERRCODE = 'feature_not_supported',
        HINT = 'Run it in a transaction of its own: BEGIN ISOLATION LEVEL READ COMMITTED.';
  END IF;

  SELECT pg_catalog.to_regclass(c.chunk_name) INTO _chunk
  FROM @extschema@.chunks AS c WHERE c.range_start = $1;
  IF _chunk IS NULL THEN
    -- The ledger does not know it, or by a name that is gone.
    SELECT h.chunk INTO _chunk FROM @extschema@.hypertable_chunks() AS h WHERE h.range_start = $1;
  END IF;
  IF _chunk IS NOT NULL THEN
    EXECUTE pg_catalog.format(
      'LOCK TABLE %s IN %s MODE', @extschema@.qualified_name(_chunk), $2
    );
  END IF;

  SELECT c.* INTO _row FROM @extschema@.chunks AS c WHERE c.range_start = $1 FOR UPDATE;
  RETURN _row;
END;
$$;
