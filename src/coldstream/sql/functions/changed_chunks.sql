-- The names of the chunks that check_chunks_unchanged refuses, in the catalog of TimescaleDB 2.29 and later:
-- there a chunk is known by its relation, and a range by its chunk. NULL where there are none. is_older: the
-- caller's snapshot is older than its statement.
CREATE OR REPLACE FUNCTION @extschema@.changed_chunks(
  chunk_names text[],
  open_from timestamptz,
  is_older boolean
)
RETURNS text[]
LANGUAGE plpgsql STABLE
AS $$
DECLARE
  _open_from bigint;
  _changed pg_catalog.text[];
BEGIN
  IF pg_catalog.cardinality($1) OPERATOR(pg_catalog.>) 0 THEN
    SELECT pg_catalog.array_agg(n.chunk_name) INTO _changed
    FROM (
      SELECT u.chunk_name, (
        SELECT pg_catalog.currtid2('_timescaledb_catalog.chunk', c.ctid) OPERATOR(pg_catalog.=) c.ctid
        FROM _timescaledb_catalog.chunk AS c
        WHERE c.relid OPERATOR(pg_catalog.=) u.relation
      ) AS is_same
      FROM (
        SELECT a.chunk_name, pg_catalog.to_regclass(a.chunk_name) AS relation
        FROM pg_catalog.unnest($1) AS a (chunk_name)
        OFFSET 0
      ) AS u
    ) AS n
    WHERE n.is_same IS NOT TRUE;
  END IF;

  IF $2 IS NOT NULL THEN
    _open_from := _timescaledb_functions.to_unix_microseconds($2);
    SELECT _changed OPERATOR(pg_catalog.||) pg_catalog.array_agg(
      @extschema@.qualified_name(c.relid)
    ) INTO _changed
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
  RETURN _changed;
END;
$$;
