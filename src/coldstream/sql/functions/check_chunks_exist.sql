-- Refuses the result of a statement that read these chunks, when one of them was dropped between the
-- look at the ledger and the statement: its rows would be missing without a word. to_regclass looks
-- at the catalog as it is now, whatever the snapshot; a chunk that exists after the statement was
-- there during it, because the statement's lock on it is held until the transaction ends.
CREATE OR REPLACE FUNCTION @extschema@.check_chunks_exist(chunk_names text[])
RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  _chunk_name text;
BEGIN
  PERFORM @extschema@.check_rows_visible();
  FOREACH _chunk_name IN ARRAY $1 LOOP
    IF pg_catalog.to_regclass(_chunk_name) IS NULL THEN
      RAISE EXCEPTION 'A chunk left the database during the read: %', _chunk_name
        USING
          ERRCODE = 'serialization_failure',
          HINT = 'Read again. If it stays so, the chunk was dropped by hand: '
            'CALL @extschema@.close_ended_chunks() records that.';
    END IF;
  END LOOP;
END;
$$;
