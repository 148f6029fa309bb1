-- audience: part
-- Refuses what only a store on TimescaleDB has: chunks, and what becomes of them.
CREATE OR REPLACE FUNCTION @extschema@.check_tiers()
RETURNS void
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  RAISE EXCEPTION 'This store is an ordinary table of PostgreSQL, and what is asked for needs TimescaleDB'
    USING
      ERRCODE = 'CS013',
      HINT = 'Move it in place: coldstream upgrade --to timescale.';
END;
$$;
