-- audience: internal; needs timescale
-- The name of the table that an archived range is loaded into, with its schema: one a range.
CREATE OR REPLACE FUNCTION @extschema@.staged_name(range_start timestamptz)
RETURNS text
LANGUAGE sql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
  SELECT format('%I.%I', '@extschema_name@',
    'rehydrating_' || replace((extract(epoch FROM $1) * 1000000)::bigint::text, '-', 'b'))
$$;
