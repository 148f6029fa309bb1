-- audience: part
-- Refuses what a statement read from these chunks, and from every chunk that ends after open_from (NULL:
-- none), when one of them changed its form or was dropped since the caller's snapshot was taken.
--
-- TimescaleDB plans by its catalog as it is now, and the statement runs with the snapshot of the function
-- that called it, which is older. A chunk that was partly rows for the snapshot and is all columnstore for
-- the plan is read without its rows, and the batches they were moved to are not visible yet: those
-- messages would be missing silently. The same after a decompression, after a columnstore is written anew,
-- and for a chunk that left the database. Whatever does that writes a new version of the chunk's row in the
-- catalog, and that row is compared: its place in the caller's snapshot with its place now. So this must be
-- STABLE, and called after the statement.
--
-- currtid2 follows a row to its newest committed version, whatever the snapshot; nothing else in SQL does
-- at REPEATABLE READ. Of a row that was deleted it says nothing: to_regclass does.
--
-- Chunks do not overlap, so of those that begin up to open_from only the last one may end after it. That
-- bounds the walk over the catalog's ranges, which are in microseconds.
--
-- The catalog's form is found by an index of it, at every call: whoever updates TimescaleDB has not run an
-- install since. For the same reason the walk stands twice, here and in changed_chunks: a statement names
-- columns and joins tables that only one form has, a view over them would break with the update, and a text
-- that is put together here would be planned anew by every read. What one of the two looks at, both must.
--
-- Part of every read of a category: its names are qualified one by one, because a path of its own costs as
-- much as a look into the catalog, and it gives true, because PL/pgSQL evaluates an expression faster than
-- it performs a statement. At READ COMMITTED a chunk that is dropped though it is not closed was taken away
-- by hand; an older snapshot may not have seen that it was closed.
--
-- A table that was truncated changes nothing in that catalog, and gives no rows. So a chunk without a byte is
-- counted (check_not_emptied): nothing that the ledger counted is passed over, whatever part of it was read.
CREATE OR REPLACE FUNCTION @extschema@.check_chunks_unchanged(chunk_names text[], open_from timestamptz)
RETURNS boolean
LANGUAGE plpgsql STABLE
AS $$
DECLARE
  _is_older constant boolean := pg_catalog.left(pg_catalog.current_setting('transaction_isolation'), 4)
    OPERATOR(pg_catalog.<>) 'read';
  _open_from bigint;
  _changed pg_catalog.text[];
  _empty pg_catalog.text[];
  _chunk_name pg_catalog.text;
  _relation pg_catalog.regclass;
  _names pg_catalog.text[];
  _is_same boolean;
  _is_empty boolean;
BEGIN
  IF (pg_catalog.current_setting('timescaledb.restoring', true) OPERATOR(pg_catalog.=) 'off') IS NOT TRUE
    OR pg_catalog.current_setting('timescaledb.enable_columnarscan', true) OPERATOR(pg_catalog.=) 'off'
    OR pg_catalog.current_setting('timescaledb.enable_transparent_decompression', true)
      OPERATOR(pg_catalog.=) 'off'
  THEN
    PERFORM @extschema@.check_rows_visible();
  END IF;

  IF pg_catalog.to_regclass('_timescaledb_catalog.chunk_schema_name_table_name_key') IS NULL THEN
    SELECT c.changed, c.empty INTO _changed, _empty
    FROM @extschema@.changed_chunks($1, $2, _is_older) AS c;
  ELSE
    FOREACH _chunk_name IN ARRAY coalesce($1, '{}') LOOP
      _relation := pg_catalog.to_regclass(_chunk_name);
      _names := pg_catalog.parse_ident(_chunk_name);
      SELECT (
        SELECT pg_catalog.currtid2('_timescaledb_catalog.chunk', c.ctid) OPERATOR(pg_catalog.=) c.ctid
        FROM _timescaledb_catalog.chunk AS c
        WHERE c.schema_name OPERATOR(pg_catalog.=) _names[1]::pg_catalog.name
          AND c.table_name OPERATOR(pg_catalog.=) _names[2]::pg_catalog.name
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
        _changed := _changed OPERATOR(pg_catalog.||) _chunk_name;
      ELSIF _is_empty THEN
        _empty := _empty OPERATOR(pg_catalog.||) _chunk_name;
      END IF;
    END LOOP;

    IF $2 IS NOT NULL THEN
      _open_from := _timescaledb_functions.to_unix_microseconds($2);
      SELECT _changed OPERATOR(pg_catalog.||) pg_catalog.array_agg(
        pg_catalog.format('%I.%I', c.schema_name, c.table_name)
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
      JOIN _timescaledb_catalog.chunk_constraint AS k
        ON k.dimension_slice_id OPERATOR(pg_catalog.=) s.id
      JOIN _timescaledb_catalog.chunk AS c ON c.id OPERATOR(pg_catalog.=) k.chunk_id
      WHERE h.schema_name OPERATOR(pg_catalog.=) '@extschema_name@'
        AND h.table_name OPERATOR(pg_catalog.=) 'messages'
        AND (
          pg_catalog.currtid2('_timescaledb_catalog.chunk', c.ctid) OPERATOR(pg_catalog.<>) c.ctid
          OR _is_older
            AND pg_catalog.to_regclass(pg_catalog.format('%I.%I', c.schema_name, c.table_name)) IS NULL
        );
    END IF;
  END IF;

  IF _changed IS NULL AND _empty IS NULL THEN
    RETURN true;
  END IF;
  FOREACH _chunk_name IN ARRAY coalesce(_changed, '{}') LOOP
    IF NOT @extschema@.is_whole_in_columnstore(_chunk_name) THEN
      RAISE EXCEPTION 'A chunk was compressed, changed or dropped during the read: %', _chunk_name
        USING
          ERRCODE = 'serialization_failure',
          HINT = 'Read again, in a new transaction. If it stays so, the chunk was dropped by hand: '
            'CALL @extschema@.close_ended_chunks() records that.';
    END IF;
  END LOOP;
  FOREACH _chunk_name IN ARRAY coalesce(_empty, '{}') LOOP
    PERFORM @extschema@.check_not_emptied(_chunk_name);
  END LOOP;
  RETURN true;
END;
$$;
