-- audience: part
-- The digest of the messages of a range of time; see digest_rows.
CREATE OR REPLACE FUNCTION @extschema@.digest_range(range_start timestamptz, range_end timestamptz)
RETURNS text
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  RETURN @extschema@.digest_rows('@extschema@.messages', $1, $2);
END;
$$;
