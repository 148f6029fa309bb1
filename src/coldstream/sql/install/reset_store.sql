-- audience: owner
-- Empties the store, for the next test: no message, head, chunk, consumer or failure is left, and positions begin
-- at 1. Its settings stay. Refused, as TRUNCATE is, once a part of the history is sealed or archived.
--
-- A store in which nothing happened is left as it is, which takes next to no time.
CREATE OR REPLACE FUNCTION @extschema@.reset_store()
RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  IF EXISTS (SELECT FROM @extschema@.consumers)
    OR EXISTS (SELECT FROM @extschema@.consumer_owners)
    OR EXISTS (SELECT FROM @extschema@.consumer_failures)
  THEN
    TRUNCATE @extschema@.consumers, @extschema@.consumer_owners, @extschema@.consumer_failures
      RESTART IDENTITY;
  END IF;
  IF pg_sequence_last_value('@extschema@.messages_global_position_seq') IS NULL
    AND NOT EXISTS (SELECT FROM @extschema@.streams) AND NOT EXISTS (SELECT FROM @extschema@.chunks)
  THEN
    RETURN;
  END IF;

  -- Its trigger empties the heads and the ledger.
  TRUNCATE @extschema@.messages RESTART IDENTITY;
  -- No chunk is closed, and nothing is late: nobody else writes until this transaction ends.
  PERFORM setval('@extschema@.closed_before', @extschema@.store_token());
  PERFORM @extschema@.create_chunks_ahead();
END;
$$;
