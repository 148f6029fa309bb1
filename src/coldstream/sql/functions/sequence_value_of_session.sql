-- The last global position this session drew; NULL where it drew none.
CREATE OR REPLACE FUNCTION @extschema@.sequence_value_of_session()
RETURNS bigint
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  RETURN pg_catalog.currval('@extschema@.messages_global_position_seq');
EXCEPTION
  WHEN object_not_in_prerequisite_state THEN
    RETURN NULL;
END;
$$;
