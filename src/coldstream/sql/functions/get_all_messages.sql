-- Messages of every category, in order of global position, up to the frontier: see there.
CREATE OR REPLACE FUNCTION @extschema@.get_all_messages(
  "position" bigint DEFAULT 1,
  batch_size bigint DEFAULT 1000
)
RETURNS SETOF @extschema@.message
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
  _batch_size bigint := coalesce($2, 1000);
BEGIN
  PERFORM @extschema@.check_batch_size(_batch_size);
  RETURN QUERY
  SELECT m.* FROM @extschema@.read_positions(
    NULL, coalesce($1, 1), _batch_size, @extschema@.category_filter(NULL, NULL, NULL, NULL),
    last_position => @extschema@.frontier()
  ) AS m;
END;
$$;
