-- audience: application
-- The global position up to which nothing can appear any more.
--
-- Positions are handed out before commit, so a reader of several categories that continued after the
-- last one it saw would lose those that commit later. Every writer changes a head before it draws a
-- position, and so holds a lock on the heads of this store, in a mode that nobody else takes, until its
-- transaction ends: prepared, rolled back, or visible to all. Once none of those that hold one now is
-- left, every position drawn until now is visible or aborted. Whatever else goes on in the database, also
-- in other stores of it, holds nobody back.
--
-- The wait ends. Two that wait for each other, here or by way of a lock, are found after a second, and
-- one of them gets an error as of any deadlock. Any other writer that is waited for may be waiting for the reader
-- outside of the database, where nobody sees it: after message_store.frontier_timeout it is named.
CREATE OR REPLACE FUNCTION @extschema@.frontier()
RETURNS bigint
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  _limit constant interval := coalesce(
    nullif(current_setting('message_store.frontier_timeout', true), ''), '60s'
  );
  _started constant timestamptz := clock_timestamp();
  _last bigint;
  _writers text[];
BEGIN
  IF pg_is_in_recovery() THEN
    RAISE EXCEPTION 'A standby cannot tell which writers are at work'
      USING
        ERRCODE = 'feature_not_supported',
        HINT = 'Read all messages from the primary, or one category at a time from here.';
  END IF;

  -- Before the writers: one that comes after this draws a later position.
  SELECT CASE WHEN s.is_called THEN s.last_value ELSE 0 END INTO _last
  FROM @extschema@.messages_global_position_seq AS s;

  _writers := @extschema@.writers_at_work(NULL);
  WHILE _writers <> '{}' AND clock_timestamp() < _started + least(_limit, INTERVAL '1 second') LOOP
    PERFORM pg_sleep(0.001);
    _writers := @extschema@.writers_at_work(_writers);
  END LOOP;
  IF _writers <> '{}' THEN
    PERFORM @extschema@.await_writers(_writers, _started, _limit);
  END IF;

  RETURN _last;
END;
$$;
