-- audience: internal
-- Refuses global positions that are to be kept and do not go up from one message to the next.
CREATE OR REPLACE FUNCTION @extschema@.check_ascending(global_positions bigint[])
RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  IF array_position($1, NULL) IS NOT NULL OR EXISTS (
    SELECT FROM (
      SELECT u.number <= lag(u.number) OVER (ORDER BY u.place) AS is_wrong
      FROM unnest($1) WITH ORDINALITY AS u (number, place)
    ) AS o
    WHERE o.is_wrong
  ) THEN
    RAISE EXCEPTION 'Global positions that are kept must go up from beyond the last one, %',
      coalesce(pg_sequence_last_value('@extschema@.messages_global_position_seq'), 0)
      USING
        ERRCODE = 'invalid_parameter_value',
        HINT = 'Import in the order of global positions, into a store that has none of them yet.';
  END IF;
END;
$$;
