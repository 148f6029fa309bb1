-- audience: internal; needs timescale
-- closed, compressed -> sealed: from here on the rows of the chunk do not change, so that what is
-- exported is what is there at the drop. The lock waits for open writers, and whoever comes later finds
-- the chunk sealed and is refused (admit_time). Rows are frozen, so that TimescaleDB itself refuses DML;
-- where they are not (see freeze) the comparison at the drop holds.
--
-- Under the lock the messages are counted and compared with the ledger: a chunk whose table was emptied
-- behind the store's back is not exported as an empty one.
CREATE OR REPLACE FUNCTION @extschema@.seal_range(range_start timestamptz)
RETURNS @extschema@.chunks
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
  _row @extschema@.chunks;
BEGIN
  PERFORM @extschema@.lifecycle_lock();
  PERFORM @extschema@.check_no_retention_policy();
  PERFORM @extschema@.check_columns();

  PERFORM @extschema@.close_range($1);
  _row := @extschema@.lock_range($1, 'SHARE');
  IF _row.state NOT IN ('closed', 'compressed') THEN
    RETURN _row;
  END IF;

  PERFORM @extschema@.check_chunk_range($1);
  PERFORM @extschema@.check_overlap($1);
  PERFORM @extschema@.check_count($1);
  PERFORM @extschema@.freeze(_row.chunk_name::regclass);
  UPDATE @extschema@.chunks SET state = 'sealed', sealed_at = clock_timestamp()
  WHERE range_start = $1
  RETURNING * INTO _row;
  RETURN _row;
END;
$$;
