-- The global position up to which nothing can appear any more.
--
-- Positions are handed out before commit, so a reader of several categories that continued after the
-- last one it saw would lose those that commit later. Every writer holds an advisory transaction lock
-- from before it draws a position until it ends: once none of those that hold one now is left, every
-- position drawn until now is visible or aborted. Other long transactions do not hold this back, nor
-- do locks that a session holds between transactions (their virtual transaction ends in /0) and the
-- lifecycle's (a key of two numbers).
CREATE OR REPLACE FUNCTION @extschema@.frontier()
RETURNS bigint
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  _last bigint;
  _writers text[];
BEGIN
  IF pg_catalog.pg_is_in_recovery() THEN
    RAISE EXCEPTION 'A standby cannot tell which writers are at work'
      USING
        ERRCODE = 'feature_not_supported',
        HINT = 'Read all messages from the primary, or one category at a time from here.';
  END IF;

  SELECT CASE WHEN s.is_called THEN s.last_value ELSE 0 END INTO _last
  FROM @extschema@.messages_global_position_seq AS s;

  _writers := ARRAY(
    SELECT l.virtualtransaction FROM pg_catalog.pg_locks AS l
    WHERE l.locktype = 'advisory' AND l.objsubid = 1 AND l.granted
      AND l.virtualtransaction NOT LIKE '%/0'
      AND l.pid <> pg_catalog.pg_backend_pid()
      AND l.database = (
        SELECT d.oid FROM pg_catalog.pg_database AS d WHERE d.datname = pg_catalog.current_database()
      )
  );
  WHILE EXISTS (
    SELECT FROM pg_catalog.pg_locks AS l
    WHERE l.locktype = 'advisory' AND l.granted AND l.virtualtransaction = ANY (_writers)
  ) LOOP
    PERFORM pg_catalog.pg_sleep(0.001);
  END LOOP;

  RETURN _last;
END;
$$;
