-- audience: part
-- Whether this process waits for itself, by way of others, and is the one to give in: see await_writers.
CREATE OR REPLACE FUNCTION @extschema@.waits_for_itself(class integer)
RETURNS boolean
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  RETURN (
    WITH RECURSIVE waits AS MATERIALIZED (
      SELECT l.pid AS waiter, l.objid::bigint AS holder, true AS is_at_frontier
      FROM pg_locks AS l
      WHERE l.locktype = 'advisory' AND l.objsubid = 2 AND l.granted AND l.pid IS NOT NULL
        AND l.classid::bigint = $1::bigint & 4294967295
        AND l.database = (SELECT d.oid FROM pg_database AS d WHERE d.datname = current_database())
      UNION
      SELECT w.pid, b.pid, false
      FROM (SELECT DISTINCT l.pid FROM pg_locks AS l WHERE NOT l.granted) AS w,
        unnest(pg_blocking_pids(w.pid)) AS b (pid)
    ), ways AS (
      SELECT w.waiter AS start, w.holder AS pid FROM waits AS w
      WHERE w.waiter IN (SELECT f.waiter FROM waits AS f WHERE f.is_at_frontier)
      UNION
      SELECT r.start, w.holder FROM ways AS r JOIN waits AS w ON w.waiter = r.pid
    )
    SELECT coalesce(max(there.pid) = pg_backend_pid(), false)
    FROM ways AS there
    JOIN ways AS back ON back.start = there.pid AND back.pid = pg_backend_pid()
    WHERE there.start = pg_backend_pid()
  );
END;
$$;
