-- audience: internal
-- Makes the store's settings true; NULL keeps what is set. Returns what was done, a line each. Those of chunks
-- are for TimescaleDB alone.
CREATE OR REPLACE FUNCTION @extschema@.apply_settings(
  chunk_interval interval DEFAULT NULL,
  layout text DEFAULT NULL,
  compress_after interval DEFAULT NULL,
  compression text DEFAULT NULL
)
RETURNS SETOF text
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  -- Once, when the store is made: a copy that is brought up to a release must stay known as a copy.
  INSERT INTO @extschema@.incarnation (system_identifier, database, tables)
  SELECT p.system_identifier, p.database, p.tables FROM @extschema@.place_of_store() AS p
  ON CONFLICT DO NOTHING;

  IF @extschema@.restore_sequences() THEN
    RETURN NEXT 'the sequences, which the store was copied without, go on after what is there';
  END IF;
  PERFORM @extschema@.check_whole();
  IF @extschema@.lift_sequences() THEN
    RETURN NEXT 'sequences that were behind the rows go on after them';
  END IF;
  IF num_nonnulls($1, $2, $3, $4) > 0 THEN
    PERFORM @extschema@.check_tiers();
  END IF;
END;
$$;
