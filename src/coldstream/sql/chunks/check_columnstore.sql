-- audience: part; needs timescale
-- Refuses compression where the edition of TimescaleDB has none.
CREATE OR REPLACE FUNCTION @extschema@.check_columnstore()
RETURNS void
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  IF NOT (SELECT s.columnstore FROM @extschema@.store AS s) THEN
    RAISE EXCEPTION 'This edition of TimescaleDB has no columnstore'
      USING
        ERRCODE = 'CS007',
        HINT = 'Install the community edition (the package named timescaledb-2-postgresql), then '
          'run "coldstream init" again; archive, drop and rehydrate work without it.';
  END IF;
END;
$$;
