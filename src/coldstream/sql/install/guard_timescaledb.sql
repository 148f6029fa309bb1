-- audience: internal; needs timescale
-- Closes what TimescaleDB leaves open: functions that change any chunk of any table for whoever calls
-- them, and do not ask who that is (2.29.1 asks). Where the installer may, only the owner of messages
-- may call them from then on. Returns what was done, and what was not because the installer may not.
--
-- Run at every install: an update of TimescaleDB may have made them anew.
CREATE OR REPLACE FUNCTION @extschema@.guard_timescaledb(OUT done text, OUT warning text)
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  _owner constant name := (
    SELECT pg_get_userbyid(c.relowner) FROM pg_class AS c WHERE c.oid = '@extschema@.messages'::regclass
  );
  _version constant text := (
    SELECT e.extversion FROM pg_extension AS e WHERE e.extname = 'timescaledb'
  );
  _function record;
  _open text[];
  _denied text[];
BEGIN
  FOR _function IN
    SELECT p.oid, p.oid::regprocedure::text AS name, pg_has_role(p.proowner, 'USAGE') AS may,
      p.proacl IS NULL OR EXISTS (
        SELECT FROM aclexplode(p.proacl) AS a WHERE a.grantee = 0 AND a.privilege_type = 'EXECUTE'
      ) AS is_open
    FROM pg_proc AS p
    JOIN pg_namespace AS n ON n.oid = p.pronamespace
    WHERE n.nspname IN ('_timescaledb_functions', '_timescaledb_internal') AND p.proname IN (
      'attach_osm_table_chunk', 'chunk_rewrite_cleanup', 'create_chunk', 'create_compressed_chunk',
      'drop_chunk', 'drop_osm_chunk', 'freeze_chunk', 'hypertable_osm_range_update',
      'lock_osm_chunk_dimension_slice', 'rebuild_columnstore', 'rebuild_sparse_index',
      'remove_dropped_chunk_metadata', 'unfreeze_chunk'
    )
    ORDER BY 2
  LOOP
    IF NOT _function.may THEN
      IF _function.is_open THEN
        _open := _open || _function.name;
      ELSIF NOT has_function_privilege(_owner, _function.oid, 'EXECUTE') THEN
        _denied := _denied || _function.name;
      END IF;
    ELSE
      IF _function.is_open THEN
        EXECUTE format('REVOKE EXECUTE ON ROUTINE %s FROM PUBLIC', _function.name);
        done := 'functions of TimescaleDB that change anybody''s chunks are closed to everybody else';
      END IF;
      IF NOT has_function_privilege(_owner, _function.oid, 'EXECUTE') THEN
        EXECUTE format('GRANT EXECUTE ON ROUTINE %s TO %I', _function.name, _owner);
      END IF;
    END IF;
  END LOOP;

  -- Until then nobody is asked. The parts of a version are numbers, and what follows a dash is none.
  IF _open IS NOT NULL
    AND string_to_array(split_part(_version, '-', 1), '.')::integer[] < ARRAY[2, 29, 1]
  THEN
    warning := format(
      'every role of this database can drop and freeze chunks, through functions that TimescaleDB %s '
      'leaves open. Update it to 2.29.1, or as its owner: REVOKE EXECUTE ON ROUTINE %s FROM PUBLIC',
      _version, array_to_string(_open, ', ')
    ) || format('; GRANT EXECUTE ON ROUTINE %s TO %I', array_to_string(_open, ', '), _owner);
  ELSIF _denied IS NOT NULL THEN
    warning := format(
      'the owner of the store may not freeze chunks. As the owner of TimescaleDB: '
      'GRANT EXECUTE ON ROUTINE %s TO %I', array_to_string(_denied, ', '), _owner
    );
  END IF;
END;
$$;
