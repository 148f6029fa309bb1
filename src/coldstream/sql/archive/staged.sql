-- audience: internal; needs timescale
-- What is known of a range that is being loaded: its table's comment, which lives and goes with the table.
-- source: what is loaded, and of which manifest; rows: how many of the archive's, in its order, have been
-- looked at; at: when; digest and versions: of the whole table, once it was digested. NULL: there is none.
CREATE OR REPLACE FUNCTION @extschema@.staged(range_start timestamptz)
RETURNS jsonb
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
  SELECT obj_description(to_regclass(@extschema@.staged_name($1)), 'pg_class')::jsonb
$$;
