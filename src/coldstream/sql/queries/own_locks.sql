-- What of a statement over another connection would wait for this transaction: the name of a stream whose
-- category it has the lock of, and whether it has changed a head.
SELECT (
  SELECT u.name
  FROM pg_catalog.unnest(%s::varchar[]) AS u (name)
  JOIN pg_catalog.pg_locks AS l
    ON (l.classid::bigint OPERATOR(pg_catalog.<<) 32) OPERATOR(pg_catalog.|) l.objid::bigint
      OPERATOR(pg_catalog.=)
        @extschema@.hash_64(pg_catalog.split_part(u.name, '-', 1)::varchar)
  WHERE l.locktype OPERATOR(pg_catalog.=) 'advisory' AND l.objsubid OPERATOR(pg_catalog.=) 1
    AND l.granted AND l.pid OPERATOR(pg_catalog.=) pg_catalog.pg_backend_pid()
  LIMIT 1
), EXISTS (
  SELECT FROM pg_catalog.pg_locks AS l
  WHERE l.locktype OPERATOR(pg_catalog.=) 'relation' AND l.granted
    AND l.relation OPERATOR(pg_catalog.=) '@extschema@.streams'::pg_catalog.regclass
    AND l.mode OPERATOR(pg_catalog.=) 'RowExclusiveLock'
    AND l.pid OPERATOR(pg_catalog.=) pg_catalog.pg_backend_pid()
)
