-- audience: part
-- Refuses to go on with a store that was restored or copied in part: without its rows (a restore of the
-- schema alone) or its chunks (a dump of the schema alone), into another store (its rows and sequences
-- beside that one's schema, without its chunks), or, with for_writes, without its sequences. A read would
-- give less than there is, and a write positions that exist. COPY loads a table whole or not at all, so one
-- of which something must be there and nothing is was not restored.
CREATE OR REPLACE FUNCTION @extschema@.check_whole(for_writes boolean DEFAULT true)
RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  _is_mixed boolean;
BEGIN
  SELECT @extschema@.is_mixed(s.token) INTO _is_mixed FROM @extschema@.store AS s;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'The store has no rows of its own: only a part of it was restored'
      USING
        ERRCODE = 'CS012',
        HINT = 'Drop the schema, and restore the whole of a dump into a database without a store, between '
          'timescaledb_pre_restore() and timescaledb_post_restore().';
  ELSIF _is_mixed THEN
    RAISE EXCEPTION 'Rows or sequences of another store were loaded into this one'
      USING
        ERRCODE = 'CS012',
        HINT = 'Was a dump restored into a store that was installed before? Restore the whole of it into a '
          'database without a store, between timescaledb_pre_restore() and timescaledb_post_restore().';
  ELSIF NOT EXISTS (
    SELECT FROM _timescaledb_catalog.hypertable AS h
    WHERE h.schema_name = '@extschema_name@' AND h.table_name = 'messages'
  ) THEN
    RAISE EXCEPTION 'The table messages has no chunks in TimescaleDB''s catalog: only a part of it was restored'
      USING
        ERRCODE = 'CS012',
        HINT = 'Was the schema dumped alone (pg_dump -n)? Its chunks are in another one. Restore the whole of '
          'a dump of the database, between timescaledb_pre_restore() and timescaledb_post_restore().';
  ELSIF NOT EXISTS (SELECT FROM @extschema@.chunks)
      AND (SELECT s.closed_before FROM @extschema@.store AS s) > '-infinity'
    OR EXISTS (SELECT FROM @extschema@.chunks AS c WHERE c.messages > 0 AND c.state <> 'open')
      AND (
        NOT EXISTS (SELECT FROM @extschema@.chunk_categories)
        -- A rebuild that goes on, or was broken off, has ranges before it has heads.
        OR NOT EXISTS (SELECT FROM @extschema@.streams) AND NOT EXISTS (
          SELECT FROM pg_trigger AS t
          WHERE t.tgrelid = '@extschema@.streams'::regclass AND t.tgname = 'streams_while_restoring'
        )
      )
    OR EXISTS (SELECT FROM @extschema@.chunks AS c WHERE c.archive_object IS NOT NULL)
      AND NOT EXISTS (SELECT FROM @extschema@.archive_files)
  THEN
    RAISE EXCEPTION 'A table of the store is empty: only a part of it was restored'
      USING
        ERRCODE = 'CS012',
        HINT = 'Look at what pg_restore, or psql, reported. Restore the whole of the dump into a new database, '
          'between timescaledb_pre_restore() and timescaledb_post_restore().';
  ELSIF $1 AND pg_sequence_last_value('@extschema@.closed_before') IS NULL THEN
    RAISE EXCEPTION 'The store was restored or copied without its sequences: positions would be given twice'
      USING
        ERRCODE = 'CS012',
        HINT = 'Restore all of it. Where everything else is there, "coldstream init" sets them.';
  END IF;
END;
$$;
