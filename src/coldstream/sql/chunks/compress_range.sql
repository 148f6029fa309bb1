-- audience: internal; needs timescale
-- closed -> compressed: moves a chunk into the columnstore. A chunk that late data left partly in
-- row form is compressed again.
CREATE OR REPLACE FUNCTION @extschema@.compress_range(range_start timestamptz)
RETURNS @extschema@.chunks
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
  _row @extschema@.chunks;
  _chunk regclass;
  _columnstore regclass;
  _row_bytes bigint;
  _columnstore_bytes bigint;
BEGIN
  PERFORM @extschema@.lifecycle_lock();
  PERFORM @extschema@.check_columnstore();

  -- The chunk as TimescaleDB's policy takes it first: with a weaker lock from close_range each would hold
  -- what the other wants. Before it the lock on messages, where close_range will want it.
  IF NOT EXISTS (
    SELECT FROM @extschema@.chunks AS c WHERE c.range_start = $1 AND c.state <> 'open'
  ) THEN
    LOCK TABLE ONLY @extschema@.messages IN SHARE UPDATE EXCLUSIVE MODE;
  END IF;
  PERFORM @extschema@.lock_range($1, 'EXCLUSIVE');
  _row := @extschema@.close_range($1);
  IF _row.state NOT IN ('closed', 'compressed') THEN
    RETURN _row;
  END IF;

  _chunk := _row.chunk_name::regclass;
  IF _row.state = 'closed' AND @extschema@.columnstore_of(_chunk) IS NULL THEN
    _row_bytes := greatest(_row.row_bytes, pg_catalog.pg_total_relation_size(_chunk));
  END IF;
  BEGIN
    PERFORM @extschema@.into_columnstore(_chunk);
  EXCEPTION
    WHEN duplicate_object THEN
      -- TimescaleDB's own policy was compressing it at the same time, and is done.
      NULL;
  END;

  _columnstore := @extschema@.columnstore_of(_chunk);
  IF _row_bytes IS NULL THEN
    SELECT s.before_compression_total_bytes INTO _row_bytes
    FROM @extschema:timescaledb@.chunk_compression_stats('@extschema@.messages') AS s
    WHERE pg_catalog.format('%I.%I', s.chunk_schema, s.chunk_name) = _row.chunk_name;
  END IF;
  -- Everything counted, the emptied tables and indexes of the rows too. TimescaleDB's own functions
  -- look at every chunk of the hypertable.
  IF _columnstore IS NOT NULL THEN
    _columnstore_bytes := pg_catalog.pg_total_relation_size(_chunk)
      + pg_catalog.pg_total_relation_size(_columnstore);
  ELSE
    SELECT s.total_bytes INTO _columnstore_bytes
    FROM @extschema:timescaledb@.chunks_detailed_size('@extschema@.messages') AS s
    WHERE pg_catalog.format('%I.%I', s.chunk_schema, s.chunk_name) = _row.chunk_name;
  END IF;

  UPDATE @extschema@.chunks
  SET state = 'compressed', compressed_at = coalesce(compressed_at, pg_catalog.clock_timestamp()),
    row_bytes = coalesce(_row_bytes, row_bytes), columnstore_bytes = _columnstore_bytes
  -- Late data may have opened it again meanwhile: then it stays open, and is closed anew.
  WHERE range_start = $1 AND state IN ('closed', 'compressed')
  RETURNING * INTO _row;

  PERFORM @extschema@.sync_store();
  RETURN _row;
END;
$$;
