-- audience: internal
-- Makes the store's settings true; NULL keeps what is set. Returns what was done, a line each.
--
-- Run at every install, because the edition of TimescaleDB may have changed in between.
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
#variable_conflict use_column
DECLARE
  _before @extschema@.store;
  _store @extschema@.store;
  _sparse_index text;
  _columnstore boolean := @extschema@.has_columnstore();
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

  SELECT s.* INTO _before FROM @extschema@.store AS s;
  IF $4 = 'lz4' AND NOT EXISTS (
    SELECT FROM pg_settings AS g WHERE g.name = 'default_toast_compression' AND 'lz4' = ANY (g.enumvals)
  ) THEN
    RAISE EXCEPTION 'This server has no lz4 compression'
      USING ERRCODE = 'feature_not_supported', HINT = 'Leave it out, or set pglz.';
  END IF;
  PERFORM @extschema@.check_lifecycle_policy(
    coalesce($3, _before.compress_after), _before.archive_after, _before.drop_after
  );
  UPDATE @extschema@.store AS s SET
    chunk_interval = coalesce($1, s.chunk_interval),
    layout = coalesce($2, s.layout),
    compress_after = coalesce($3, s.compress_after),
    compression = coalesce($4, s.compression),
    columnstore = _columnstore
  RETURNING s.* INTO _store;

  IF _store.chunk_interval <> _before.chunk_interval THEN
    PERFORM @extschema:timescaledb@.set_chunk_time_interval(
      '@extschema@.messages', _store.chunk_interval
    );
    RETURN NEXT pg_catalog.format('new chunks cover %s', _store.chunk_interval);
  END IF;

  PERFORM @extschema@.create_chunks_ahead();

  IF NOT _columnstore THEN
    RETURN NEXT 'this edition of TimescaleDB has no columnstore: chunks stay rows until archived';
    RETURN;
  END IF;

  IF NOT _before.columnstore OR _store.layout <> _before.layout THEN
    -- In the bucket layout the empty segment is written out, or TimescaleDB chooses one.
    --
    -- Left to itself TimescaleDB adds a bloom filter for each index of the rows, a byte a message
    -- each. An id is looked for in every chunk; a global position lies in one bucket, and within it
    -- in a range; the others would tell what the order tells, but for one: names are random, so every
    -- bucket has a batch that could hold a stream, and to decompress them all takes longer than the
    -- rest of the read. Older releases know no filter over two columns, or cannot be told at all.
    FOREACH _sparse_index IN ARRAY ARRAY[
      CASE _store.layout WHEN 'bucket' THEN 'bloom(stream_category, stream_name), ' ELSE '' END
        || 'bloom(id), minmax(global_position)',
      'bloom(id), minmax(global_position)',
      NULL
    ] LOOP
      BEGIN
        EXECUTE pg_catalog.format(
          'ALTER TABLE @extschema@.messages SET (
             timescaledb.compress,
             timescaledb.compress_segmentby = %L,
             timescaledb.compress_orderby = %L%s
           )',
          CASE _store.layout WHEN 'stream' THEN 'stream_name' ELSE '' END,
          CASE _store.layout
            WHEN 'stream' THEN 'position ASC'
            ELSE 'position_bucket, stream_category, stream_name, position'
          END,
          CASE
            WHEN _sparse_index IS NULL THEN ''
            ELSE pg_catalog.format(', timescaledb.sparse_index = %L', _sparse_index)
          END
        );
        EXIT;
      EXCEPTION
        WHEN invalid_parameter_value OR syntax_error OR feature_not_supported THEN
          IF _sparse_index IS NULL THEN
            RAISE;
          END IF;
      END;
    END LOOP;
    RETURN NEXT pg_catalog.format('the columnstore''s layout is %s', _store.layout);
  END IF;

  IF _store.compression IS DISTINCT FROM _before.compression THEN
    RETURN NEXT pg_catalog.format('chunks are compressed with %s from now on', _store.compression);
  END IF;
  RETURN QUERY SELECT * FROM @extschema@.sync_compression_policy();

  IF NOT EXISTS (
    SELECT FROM timescaledb_information.jobs AS j
    WHERE j.proc_schema = '@extschema_name@' AND j.proc_name = 'close_ended_chunks'
  ) THEN
    PERFORM @extschema:timescaledb@.add_job(
      '@extschema@.close_ended_chunks(integer, jsonb)'::regprocedure, INTERVAL '1 hour'
    );
    RETURN NEXT 'ended chunks are closed every hour';
  END IF;
  IF NOT EXISTS (
    SELECT FROM timescaledb_information.jobs AS j
    WHERE j.proc_schema = '@extschema_name@' AND j.proc_name = 'compress_ended_chunks'
  ) THEN
    PERFORM @extschema:timescaledb@.add_job(
      '@extschema@.compress_ended_chunks(integer, jsonb)'::regprocedure, INTERVAL '1 hour'
    );
    RETURN NEXT 'chunks that are due are compressed by the store''s settings every hour';
  END IF;
END;
$$;
