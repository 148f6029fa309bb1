-- audience: internal; needs timescale
-- After the last rows of a range were loaded: 1 makes its indexes; 2 its digest, kept beside the versions of the
-- rows that it is of, so that finish_rehydrate, which keeps readers waiting, need not read them again. Each is a
-- transaction of its own.
CREATE OR REPLACE FUNCTION @extschema@.digest_staged(range_start timestamptz, number integer)
RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
  _staged constant regclass := to_regclass(@extschema@.staged_name($1));
  _index record;
  _known jsonb;
BEGIN
  -- As those of messages: then TimescaleDB takes them for the chunk's, and makes none anew.
  IF $2 = 1 THEN
    FOR _index IN
      SELECT i.name, i.columns
      FROM (VALUES
        ('stream', 'stream_name, position'), ('category', 'stream_category, global_position'),
        ('global', 'global_position')
      ) AS i (name, columns)
    LOOP
      -- A name of its own, and not its table's for the time being: it goes with the chunk.
      EXECUTE format(
        'CREATE INDEX IF NOT EXISTS %I ON %s (%s)', format('messages_%s_%s', _staged::oid, _index.name),
        @extschema@.staged_name($1), _index.columns
      );
    END LOOP;
    RETURN;
  END IF;
  -- The versions first: what changes in between is then found later.
  _known := jsonb_build_object('versions', @extschema@.row_versions(_staged));
  PERFORM @extschema@.keep_staged($1, _known || jsonb_build_object(
    'digest', @extschema@.digest_rows(_staged, '-infinity', 'infinity')
  ));
END;
$$;
