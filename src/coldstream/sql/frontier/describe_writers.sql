-- audience: part
-- Who these writers are, for whoever has to end them: processes, and transactions that are prepared.
CREATE OR REPLACE FUNCTION @extschema@.describe_writers(writers text[])
RETURNS text
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  RETURN (
    SELECT string_agg(w.description, ', ' ORDER BY w.description)
    FROM (
      SELECT DISTINCT CASE
        WHEN l.pid IS NULL THEN format('prepared transaction %L of %s', p.gid, p.owner)
        ELSE concat_ws(', ',
          format('process %s', l.pid), a.usename, nullif(a.application_name, ''), a.state
        )
      END AS description
      FROM pg_locks AS l
      LEFT JOIN pg_stat_activity AS a ON a.pid = l.pid
      LEFT JOIN pg_prepared_xacts AS p ON l.pid IS NULL AND p.transaction IN (
        SELECT x.transactionid FROM pg_locks AS x
        WHERE x.locktype = 'transactionid' AND x.virtualtransaction = l.virtualtransaction
          AND x.pid IS NULL AND x.granted
      )
      WHERE l.locktype = 'relation' AND l.relation = '@extschema@.streams'::regclass
        AND l.virtualtransaction = ANY ($1)
    ) AS w
  );
END;
$$;
