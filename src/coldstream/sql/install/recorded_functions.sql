-- audience: internal
-- What was installed is remembered (check_functions).
DO $$
BEGIN
  PERFORM @extschema@.record_functions();
END;
$$;
