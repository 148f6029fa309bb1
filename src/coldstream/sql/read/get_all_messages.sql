-- audience: application
-- Messages of every category, in order of global position, up to the frontier: see there.
--
-- The frontier is a statement of its own, before the one that reads: that one's snapshot must be
-- younger than the end of the last writer the frontier waited for. At a higher level than READ
-- COMMITTED no statement of the transaction has such a snapshot.
CREATE OR REPLACE FUNCTION @extschema@.get_all_messages(
  "position" bigint DEFAULT 1,
  batch_size bigint DEFAULT 1000
)
RETURNS SETOF @extschema@.message
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  _batch_size bigint := coalesce($2, 1000);
  _frontier bigint;
  _tries integer := 0;
BEGIN
  PERFORM @extschema@.check_batch_size(_batch_size);
  IF pg_catalog.left(pg_catalog.current_setting('transaction_isolation'), 4) <> 'read' THEN
    RAISE EXCEPTION 'get_all_messages needs a transaction that is READ COMMITTED'
      USING
        ERRCODE = 'feature_not_supported',
        HINT = 'What was committed since this transaction began is not visible in it. '
          'One category at a time can be read at any level.';
  END IF;

  _frontier := @extschema@.frontier();
  LOOP
    BEGIN
      RETURN QUERY
      SELECT m.* FROM @extschema@.read_positions(
        NULL, coalesce($1, 1), _batch_size, @extschema@.category_filter(NULL, NULL, NULL, NULL),
        last_position => _frontier
      ) AS m;
      RETURN;
    EXCEPTION
      @include read_again@
      WHEN SQLSTATE 'CS001' THEN
        IF NOT @extschema@.fetches_archived() THEN
          RAISE;
        END IF;
        RETURN QUERY
        SELECT m.* FROM @extschema@.category_over_tiers(
          NULL, coalesce($1, 1), _batch_size, NULL, NULL, NULL, NULL, _frontier
        ) AS m;
        RETURN;
    END;
  END LOOP;
END;
$$;
