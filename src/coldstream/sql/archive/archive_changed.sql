-- audience: internal; needs timescale
-- A range has left the database or come back: readers that know the ledger of before read it again. A stream whose
-- messages are all after left_before has none in the archive.
CREATE OR REPLACE FUNCTION @extschema@.archive_changed()
RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  UPDATE @extschema@.store SET
    archive_epoch = archive_epoch + 1,
    left_before = coalesce(
      (
        SELECT c.range_end FROM @extschema@.chunks AS c
        WHERE c.state = 'dropped'
        ORDER BY c.range_end DESC
        LIMIT 1
      ),
      '-infinity'
    );
END;
$$;
