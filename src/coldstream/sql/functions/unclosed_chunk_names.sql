-- The chunks that a read of everything from a time on opens, for check_chunks_exist. Nothing at READ
-- COMMITTED: such a chunk must be closed before it can leave the database, and the statement would
-- have seen that. At a higher level the ledger is as old as the transaction; since then a chunk may
-- have been closed, archived and dropped, and its rows would be missing without a word.
CREATE OR REPLACE FUNCTION @extschema@.unclosed_chunk_names(from_time timestamptz)
RETURNS text[]
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  IF pg_catalog.current_setting('transaction_isolation') = 'read committed' THEN
    RETURN '{}';
  END IF;

  RETURN ARRAY(
    SELECT pg_catalog.format('%I.%I', i.chunk_schema, i.chunk_name)
    FROM timescaledb_information.chunks AS i
    WHERE i.hypertable_schema = '@extschema_name@' AND i.hypertable_name = 'messages'
      AND i.range_end > $1
  );
END;
$$;
