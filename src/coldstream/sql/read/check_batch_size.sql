-- audience: part
-- The error PostgreSQL gives for a negative LIMIT, also where no statement with a LIMIT would run.
-- -1 means no limit (Message DB).
CREATE OR REPLACE FUNCTION @extschema@.check_batch_size(batch_size bigint)
RETURNS void
LANGUAGE plpgsql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  IF $1 < -1 THEN
    RAISE EXCEPTION 'LIMIT must not be negative'
      USING ERRCODE = 'invalid_row_count_in_limit_clause';
  END IF;
END;
$$;
