-- audience: internal
-- What is wrong with a write, in the order in which Message DB finds it: the version, an id that is
-- no uuid, a NULL. A head that is ahead of the clock is wrong only beyond max_clock_lead.
CREATE OR REPLACE FUNCTION @extschema@.check_write(
  id varchar,
  stream_name varchar,
  type varchar,
  expected_version bigint,
  "position" bigint,
  "time" timestamptz
)
RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  IF $5 IS NULL AND ($2 IS NOT NULL OR coalesce($4, -1) <> -1) THEN
    PERFORM @extschema@.raise_wrong_version($2, $4);
  END IF;
  PERFORM $1::uuid;
  IF $1 IS NULL OR $2 IS NULL OR $3 IS NULL THEN
    PERFORM @extschema@.raise_null($2, $3, $1);
  END IF;
  PERFORM @extschema@.check_clock($2, $6);
END;
$$;
