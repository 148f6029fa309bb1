-- audience: internal; needs timescale
-- Makes a chunk of exactly this range of the table that it was loaded into, and returns it. Where a part of the
-- range is back, that chunk goes, unless somebody changed it: all that it has is in the table. Readers see the one
-- or the other.
--
-- An Apache edition, or a release before 2.21, attaches no table: there the rows are copied into a new chunk in
-- this transaction.
CREATE OR REPLACE FUNCTION @extschema@.attach_staged(range_start timestamptz)
RETURNS regclass
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
  _row @extschema@.chunks;
  _staged regclass := to_regclass(@extschema@.staged_name($1));
  _columns text;
  _grant record;
BEGIN
  SELECT c.* INTO _row FROM @extschema@.chunks AS c WHERE c.range_start = $1;
  IF _row.part_name IS NOT NULL THEN
    PERFORM @extschema@.drop_range($1);
  END IF;

  BEGIN
    EXECUTE format('COMMENT ON TABLE %s IS NULL', @extschema@.qualified_name(_staged));
    -- The range may leave, and be loaded once more, while a reader still has this chunk.
    EXECUTE format(
      'ALTER TABLE %s RENAME TO %I', @extschema@.qualified_name(_staged), 'messages_' || _staged::oid
    );
    CALL @extschema:timescaledb@.attach_chunk('@extschema@.messages', _staged, jsonb_build_object(
      'time', jsonb_build_array(
        (extract(epoch FROM _row.range_start) * 1000000)::bigint,
        (extract(epoch FROM _row.range_end) * 1000000)::bigint
      )
    ));
    FOR _grant IN
      SELECT a.privilege_type, a.grantee::regrole AS grantee
      FROM pg_class AS c, aclexplode(c.relacl) AS a
      WHERE c.oid = '@extschema@.messages'::regclass AND a.grantee NOT IN (0, c.relowner)
    LOOP
      EXECUTE format(
        'GRANT %s ON %s TO %s', _grant.privilege_type, @extschema@.qualified_name(_staged), _grant.grantee
      );
    END LOOP;
    PERFORM @extschema@.drop_foreign_triggers($1);
    RETURN _staged;
  EXCEPTION
    WHEN feature_not_supported OR undefined_function OR insufficient_privilege THEN
      NULL;
  END;

  PERFORM @extschema@.make_chunk(_row.range_start, _row.range_end);
  PERFORM @extschema@.drop_foreign_triggers($1);
  _columns := (
    SELECT string_agg(quote_ident(a.attname), ', ' ORDER BY a.attnum)
    FROM pg_attribute AS a
    WHERE a.attrelid = '@extschema@.messages'::regclass AND a.attnum > 0 AND NOT a.attisdropped
      AND a.attgenerated = ''
  );
  EXECUTE format(
    'INSERT INTO @extschema@.messages (%s) SELECT %s FROM %s',
    _columns, _columns, @extschema@.qualified_name(_staged)
  );
  EXECUTE format('DROP TABLE %s', @extschema@.qualified_name(_staged));
  RETURN (SELECT h.chunk FROM @extschema@.hypertable_chunks() AS h WHERE h.range_start = $1);
END;
$$;
