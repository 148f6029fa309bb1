-- audience: internal
-- No write gives a global position again that the archive has.
CREATE OR REPLACE FUNCTION @extschema@.lift_sequence(last_global_position bigint)
RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  PERFORM setval('@extschema@.messages_global_position_seq', $1)
  FROM @extschema@.messages_global_position_seq AS s
  WHERE $1 >= s.last_value;
END;
$$;
