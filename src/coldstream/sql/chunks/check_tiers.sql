-- audience: part
-- A store on TimescaleDB has tiers; one on an ordinary table refuses.
CREATE OR REPLACE FUNCTION @extschema@.check_tiers()
RETURNS void
LANGUAGE sql IMMUTABLE
AS $$
$$;
