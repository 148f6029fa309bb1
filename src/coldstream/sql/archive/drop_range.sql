-- audience: internal; needs timescale
-- verified, rehydrated -> dropped, in the caller's transaction: the rows leave the database. Of a chunk
-- that is dropped, the part that came back.
--
-- EXCLUSIVE keeps writers out (readers go on) while the rows are compared with what was verified in
-- storage: without it, acknowledged writes were lost. Where not one version of a row has changed since
-- the server digested them for the verification, that is the comparison; everywhere else they are
-- counted and digested once more. Exactly this range is dropped, and the drop is refused if TimescaleDB
-- would drop anything else.
-- force drops what no archive has, and a part whatever is in it.
CREATE OR REPLACE FUNCTION @extschema@.drop_range(range_start timestamptz, force boolean DEFAULT false)
RETURNS @extschema@.chunks
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
  _row @extschema@.chunks;
  _name text;
  _expected text;
  _digest text;
  _messages bigint;
  _in_rows boolean;
  _dropped text[];
BEGIN
  PERFORM @extschema@.lifecycle_lock();
  PERFORM @extschema@.check_no_retention_policy();
  IF NOT $2 THEN
    PERFORM @extschema@.check_columns();
  END IF;

  IF $2 THEN
    PERFORM @extschema@.close_range($1);
  END IF;
  _row := @extschema@.lock_range($1, 'EXCLUSIVE');

  _name := coalesce(_row.chunk_name, _row.part_name);
  IF to_regclass(_name) IS NULL AND _name IS NOT NULL THEN
    -- Dropped by hand: to the ledger, too.
    PERFORM @extschema@.sync_store();
    SELECT c.* INTO _row FROM @extschema@.chunks AS c WHERE c.range_start = $1;
    RETURN _row;
  ELSIF _row.state = 'dropped' AND _name IS NULL THEN
    RETURN _row;
  ELSIF NOT $2 AND (
    _row.state IS NULL OR _row.state NOT IN ('verified', 'rehydrated', 'dropped')
  ) THEN
    RAISE EXCEPTION 'The chunk of % to % is not archived: it is %',
      $1, coalesce(_row.range_end::text, '?'), coalesce(_row.state, 'open')
      USING
        ERRCODE = 'CS003',
        HINT = 'Run "coldstream archive" and "coldstream verify" first; force => true loses the data.';
  END IF;

  IF _row.state NOT IN ('verified', 'rehydrated', 'dropped') THEN
    UPDATE @extschema@.chunks
    SET archive_url = NULL, archive_object = NULL, archive_manifest = NULL, archive_format = NULL,
      archive_bytes = NULL, archive_files = NULL, digest = NULL, verified_at = NULL
    WHERE range_start = $1;
    DELETE FROM @extschema@.archive_files WHERE range_start = $1;
  ELSIF NOT $2 OR _row.state <> 'dropped' THEN
    -- The digest says how many there were when it was made, and the ledger how many were counted.
    _expected := coalesce(_row.part_digest, _row.digest);
    _messages := coalesce(_row.part_messages, _row.messages);
    IF split_part(_expected, ':', 2) IS DISTINCT FROM _messages::text THEN
      RAISE EXCEPTION 'The archive of % to % has % messages, and the ledger %',
        _row.range_start, _row.range_end, split_part(_expected, ':', 2), coalesce(_messages::text, 'none')
        USING ERRCODE = 'CS009', HINT = 'Nothing was dropped. "coldstream archive --again" counts anew.';
    END IF;
    IF _row.row_versions IS NULL
      OR _row.row_versions IS DISTINCT FROM @extschema@.row_versions(_name::regclass)
    THEN
      _digest := @extschema@.digest_range(_row.range_start, _row.range_end);
      IF _digest IS DISTINCT FROM _expected THEN
        RAISE EXCEPTION 'The rows of % to % are not the ones that were exported (% instead of %)',
          _row.range_start, _row.range_end, _digest, _expected
          USING
            ERRCODE = 'CS009',
            HINT = CASE
              WHEN _row.state = 'dropped' THEN
                'Nothing was dropped. The archive has the range as it was; force => true drops the rest.'
              ELSE 'Nothing was dropped. Export the chunk again: "coldstream archive --again".'
            END;
      END IF;
    END IF;
  END IF;

  -- Readers lock the chunk before its columnstore, and drop_chunks does it the other way round: without
  -- this the two wait for each other. Not earlier: readers go on while the rows are compared.
  EXECUTE format(
    'LOCK TABLE %s IN ACCESS EXCLUSIVE MODE',
    @extschema@.qualified_name(_name::regclass)
  );
  _in_rows := @extschema@.columnstore_of(_name::regclass) IS NULL;
  PERFORM @extschema@.unfreeze(_name::regclass);
  SELECT array_agg(d.name) INTO _dropped
  FROM @extschema:timescaledb@.drop_chunks(
    '@extschema@.messages', older_than => _row.range_end, newer_than => _row.range_start
  ) AS d (name);
  IF cardinality(_dropped) IS DISTINCT FROM 1
    OR to_regclass(_name) IS NOT NULL
  THEN
    RAISE EXCEPTION 'Dropping % to % would have dropped %',
      _row.range_start, _row.range_end, coalesce(_dropped::text, 'nothing')
      USING
        ERRCODE = 'object_not_in_prerequisite_state',
        HINT = 'Was the chunk split or merged? Bring it back to its range with TimescaleDB''s merge_chunks '
          'or split_chunk.';
  END IF;

  UPDATE @extschema@.chunks
  SET state = 'dropped', chunk_name = NULL, row_versions = NULL, filenode = NULL, kept_until = NULL,
    part_name = NULL, part_streams = NULL, part_messages = NULL, part_digest = NULL,
    dropped_at = clock_timestamp()
  WHERE range_start = $1
  RETURNING * INTO _row;
  PERFORM @extschema@.archive_changed();
  -- A chunk in the columnstore was closed, and its ids were forgotten, when it was compressed: what a
  -- write must know is what it was. A fresh connection would spend as long on that look as on all else.
  IF _in_rows THEN
    PERFORM @extschema@.sync_store();
  END IF;
  RETURN _row;
END;
$$;
