-- audience: internal; needs timescale
-- Makes the table that an archived range is loaded into, a step a transaction: an ordinary one, so that no
-- reader of messages sees half of a range. It becomes a chunk in finish_rehydrate. Where an earlier run
-- loaded some of the same (source says what), the table is there, and rows says how far it came; another's is
-- dropped. streams: those of a part that is back.
CREATE OR REPLACE FUNCTION @extschema@.begin_rehydrate(
  range_start timestamptz,
  source text,
  OUT staged text,
  OUT rows bigint
)
RETURNS record
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
  _row @extschema@.chunks;
  _other record;
BEGIN
  PERFORM @extschema@.lifecycle_lock();
  PERFORM @extschema@.check_columns();
  SELECT c.* INTO _row FROM @extschema@.chunks AS c WHERE c.range_start = $1 FOR UPDATE;
  IF _row.state IS DISTINCT FROM 'dropped' OR _row.archive_object IS NULL THEN
    RAISE EXCEPTION 'The chunk that starts at % is not in the archive alone: it is %',
      $1, coalesce(_row.state, 'unknown')
      USING ERRCODE = 'object_not_in_prerequisite_state';
  END IF;

  -- Ranges may overlap where the interval of chunks became longer.
  SELECT h.range_start, h.range_end INTO _other
  FROM @extschema@.hypertable_chunks() AS h
  WHERE h.range_start < _row.range_end AND h.range_end > _row.range_start AND _row.part_name IS NULL
  LIMIT 1;
  IF FOUND THEN
    RAISE EXCEPTION 'The chunk % to % has no place in the database: % to % overlaps it',
      _row.range_start, _row.range_end, _other.range_start, _other.range_end
      USING ERRCODE = 'CS008', HINT = 'Read it from the archive: every client does.';
  END IF;

  staged := @extschema@.staged_name($1);
  rows := CASE WHEN @extschema@.staged($1) ->> 'source' = $2 THEN (@extschema@.staged($1) ->> 'rows')::bigint END;
  IF rows IS NULL THEN
    PERFORM @extschema@.drop_staged($1);
    EXECUTE format(
      'CREATE TABLE %s (LIKE @extschema@.messages INCLUDING DEFAULTS INCLUDING GENERATED INCLUDING STORAGE
         INCLUDING COMPRESSION)', staged
    );
    EXECUTE format(
      'ALTER TABLE %s OWNER TO %I', staged,
      (SELECT pg_get_userbyid(c.relowner) FROM pg_class AS c WHERE c.oid = '@extschema@.messages'::regclass)
    );
    rows := 0;
    PERFORM @extschema@.keep_staged($1, jsonb_build_object('source', $2, 'rows', rows));
  END IF;
END;
$$;
