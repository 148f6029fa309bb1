-- audience: part; needs timescale
-- The names of the chunks that check_chunks_unchanged refuses, and of those that it has counted, in the
-- catalog of TimescaleDB 2.29 and later: there a chunk is known by its relation, and a range by its chunk. NULL
-- where there are none. is_older: the caller's snapshot is older than its statement.
--
-- What is looked at, and why, stands there, and so does why the walk stands twice: both must look at the same.
CREATE OR REPLACE FUNCTION @extschema@.changed_chunks(
  chunk_names text[],
  open_from timestamptz,
  is_older boolean,
  OUT changed text[],
  OUT empty text[]
)
RETURNS record
LANGUAGE plpgsql STABLE
AS $$
DECLARE
  _open_from bigint;
  _chunk_name pg_catalog.text;
  _relation pg_catalog.regclass;
  _is_same boolean;
  _is_empty boolean;
BEGIN
  IF pg_catalog.to_regclass('_timescaledb_catalog.chunk_schema_name_table_name_key') IS NOT NULL THEN
    RAISE EXCEPTION 'The catalog of this TimescaleDB knows chunks by their names'
      USING ERRCODE = 'feature_not_supported';
  END IF;

  FOREACH _chunk_name IN ARRAY coalesce($1, '{}') LOOP
    _relation := pg_catalog.to_regclass(_chunk_name);
    SELECT (
      SELECT pg_catalog.currtid2('_timescaledb_catalog.chunk', c.ctid) OPERATOR(pg_catalog.=) c.ctid
      FROM _timescaledb_catalog.chunk AS c
      WHERE c.relid OPERATOR(pg_catalog.=) _relation
    ), (
      -- To ask for a size is a call of the system: only where the catalog does not say that there are pages.
      SELECT CASE
        WHEN r.relpages OPERATOR(pg_catalog.>) 0
          AND r.relfilenode OPERATOR(pg_catalog.=) pg_catalog.pg_relation_filenode(r.oid) THEN false
        ELSE pg_catalog.pg_relation_size(r.oid) OPERATOR(pg_catalog.=) 0
      END
      FROM pg_catalog.pg_class AS r
      WHERE r.oid OPERATOR(pg_catalog.=) coalesce(
        (
          SELECT s.compress_relid::pg_catalog.oid FROM _timescaledb_catalog.compression_settings AS s
          WHERE s.relid OPERATOR(pg_catalog.=) _relation
        ),
        _relation::pg_catalog.oid
      )
    )
    INTO _is_same, _is_empty;
    IF _is_same IS NOT TRUE OR _relation IS NULL THEN
      changed := changed OPERATOR(pg_catalog.||) _chunk_name;
    ELSIF _is_empty THEN
      empty := empty OPERATOR(pg_catalog.||) _chunk_name;
    END IF;
  END LOOP;

  IF $2 IS NOT NULL THEN
    _open_from := _timescaledb_functions.to_unix_microseconds($2);
    SELECT changed OPERATOR(pg_catalog.||) pg_catalog.array_agg(
      @extschema@.qualified_name(c.relid)
    ) INTO changed
    FROM _timescaledb_catalog.hypertable AS h
    JOIN _timescaledb_catalog.dimension AS d ON d.hypertable_id OPERATOR(pg_catalog.=) h.id
    JOIN _timescaledb_catalog.dimension_slice AS s
      ON s.dimension_id OPERATOR(pg_catalog.=) d.id
      AND s.range_end OPERATOR(pg_catalog.>) _open_from
      AND s.range_start OPERATOR(pg_catalog.>=) coalesce(
        (
          SELECT p.range_start FROM _timescaledb_catalog.dimension_slice AS p
          WHERE p.dimension_id OPERATOR(pg_catalog.=) d.id
            AND p.range_start OPERATOR(pg_catalog.<=) _open_from
          ORDER BY p.range_start DESC
          LIMIT 1
        ),
        _open_from
      )
    JOIN _timescaledb_catalog.chunk AS c ON c.id OPERATOR(pg_catalog.=) s.chunk_id
    WHERE h.schema_name OPERATOR(pg_catalog.=) '@extschema_name@'
      AND h.table_name OPERATOR(pg_catalog.=) 'messages'
      AND (
        pg_catalog.currtid2('_timescaledb_catalog.chunk', c.ctid) OPERATOR(pg_catalog.<>) c.ctid
        OR $3 AND pg_catalog.to_regclass(@extschema@.qualified_name(c.relid)) IS NULL
      );
  END IF;
END;
$$;
