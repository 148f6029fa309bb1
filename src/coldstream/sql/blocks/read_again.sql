-- Of a read that has given nothing: it needs _tries, an integer that is 0.
WHEN serialization_failure THEN
  -- The next statement has a new snapshot, but not at a higher level than READ COMMITTED.
  _tries := _tries OPERATOR(pg_catalog.+) 1;
  IF _tries OPERATOR(pg_catalog.=) 20
    OR pg_catalog.left(pg_catalog.current_setting('transaction_isolation'), 4) OPERATOR(pg_catalog.<>) 'read'
  THEN
    RAISE;
  END IF;
