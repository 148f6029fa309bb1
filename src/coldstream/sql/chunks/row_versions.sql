-- audience: internal; needs timescale
-- What a chunk's rows are, without reading them: where they are stored and by which columns, how many,
-- and a sum over the place (ctid) and the transaction (xmin) of each. NULL where that cannot be told.
--
-- Whatever changes a row leaves another version of it, at another place or by another transaction,
-- and a version that is gone does not come back. So while this is the same, the rows are. It is not
-- so the other way round (VACUUM FULL moves rows and changes none): then only a digest tells.
-- A compressed chunk's rows are those of its columnstore, a thousand messages each; a chunk that has
-- rows beside it is not told. Read it before what it is to vouch for: a change in between is then
-- found later, and not taken for the state that was looked at.
--
-- Three things that would make equal what is not: a column that is renamed or made anew changes what
-- rows say and no row. A server that a dump was loaded into may count its relations and transactions
-- as the first one did. And transactions have 32 bits in a row: two numbers are told apart only within
-- 2^31 of them, so there is another answer after that many, and none while a row that is older than
-- they reach back has a number that is still to come.
CREATE OR REPLACE FUNCTION @extschema@.row_versions(chunk regclass)
RETURNS text
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  _rows regclass;
  _where text;
  _versions text;
BEGIN
  -- The look at TimescaleDB's view only where there is no columnstore: it costs as much as the rest.
  _rows := @extschema@.columnstore_of($1);
  IF _rows IS NULL THEN
    IF EXISTS (
      SELECT FROM @extschema@.hypertable_chunks() AS h WHERE h.chunk = $1 AND h.is_compressed
    ) THEN
      RETURN NULL;
    END IF;
    _rows := $1;
  ELSIF pg_catalog.pg_relation_size($1) > 0 THEN
    RETURN NULL;
  END IF;
  IF _rows IS NULL THEN
    RETURN NULL;
  END IF;

  SELECT pg_catalog.concat_ws(':',
    s.system_identifier,
    pg_catalog.pg_snapshot_xmax(pg_catalog.pg_current_snapshot())::text::bigint >> 31,
    _rows::oid, pg_catalog.pg_relation_filenode(_rows),
    pg_catalog.md5(pg_catalog.string_agg(
      pg_catalog.concat_ws(' ',
        a.attrelid, a.attnum, a.attname, a.atttypid, a.atttypmod, a.attmissingval::text
      ),
      ',' ORDER BY a.attrelid, a.attnum
    ))
  ) INTO _where
  FROM pg_catalog.pg_control_system() AS s
  JOIN pg_catalog.pg_attribute AS a ON a.attrelid IN ($1, _rows) AND a.attnum > 0
  GROUP BY s.system_identifier;

  EXECUTE pg_catalog.format(
    'SELECT pg_catalog.concat_ws('':'', %L, count(*),
       sum(pg_catalog.hashtextextended(r.ctid || '' '' || r.xmin, 0)))
     FROM ONLY %s AS r
     HAVING coalesce(min(pg_catalog.age(r.xmin)), 0) >= 0',
    _where, @extschema@.qualified_name(_rows)
  ) INTO _versions;
  RETURN _versions;
EXCEPTION
  -- A server that does not say which one it is.
  WHEN insufficient_privilege THEN
    RETURN NULL;
END;
$$;
