-- audience: part; needs timescale
-- Whether a chunk that was compressed since the caller's snapshot is read whole all the same, and with
-- nothing more. Without this a long read fails while one chunk after another is compressed.
--
-- TimescaleDB writes the first columnstore of a chunk so that every snapshot sees it at once (frozen), where
-- it truncates the rows; else this one sees nothing of it. That the chunk was closed for the snapshot, and
-- was not opened since, says that no message came in between: one would be seen too early, and those that
-- the category was given before it would not. What happened since, only READ COMMITTED can tell.
CREATE OR REPLACE FUNCTION @extschema@.is_whole_in_columnstore(chunk_name text)
RETURNS boolean
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  _names constant text[] := parse_ident($1);
  _is_in_rows boolean;
  _columnstore text;
  _is_whole boolean;
BEGIN
  IF pg_catalog.left(pg_catalog.current_setting('transaction_isolation'), 4) <> 'read' THEN
    RETURN false;
  END IF;

  -- In the caller's snapshot; see check_chunks_unchanged for the two forms of the catalog.
  IF to_regclass('_timescaledb_catalog.chunk_schema_name_table_name_key') IS NULL THEN
    SELECT t.status = 0 INTO _is_in_rows FROM _timescaledb_catalog.chunk AS t
    WHERE t.relid = to_regclass($1);
  ELSE
    SELECT t.status = 0 INTO _is_in_rows FROM _timescaledb_catalog.chunk AS t
    WHERE t.schema_name = _names[1]::name AND t.table_name = _names[2]::name;
  END IF;
  IF _is_in_rows IS NOT TRUE THEN
    RETURN false;
  END IF;

  SELECT @extschema@.columnstore_of_closed(c.chunk_name, c.closed_at) INTO _columnstore
  FROM @extschema@.chunks AS c
  WHERE c.chunk_name = $1 AND c.state <> 'open';
  IF _columnstore IS NULL THEN
    RETURN false;
  END IF;
  EXECUTE 'SELECT EXISTS (SELECT FROM ' || _columnstore || ')' INTO _is_whole;
  RETURN _is_whole;
EXCEPTION
  WHEN insufficient_privilege THEN
    RETURN false;
END;
$$;
