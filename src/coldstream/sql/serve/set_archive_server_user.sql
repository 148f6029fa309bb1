-- audience: owner; needs timescale
-- Let somebody connect to the archive servers of this store; with a verifier that is NULL, nobody of this name any
-- more. verifier: a password as pg_authid keeps one, with SCRAM-SHA-256. may_query: SQL over the archive.
CREATE OR REPLACE FUNCTION @extschema@.set_archive_server_user(
  name text,
  verifier text,
  may_query boolean DEFAULT true
)
RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  IF $2 IS NULL THEN
    DELETE FROM @extschema@.archive_server_users AS u WHERE u.name = $1;
    RETURN;
  END IF;
  IF $2 !~ '^SCRAM-SHA-256[$][0-9]+:[A-Za-z0-9+/=]+[$][A-Za-z0-9+/=]+:[A-Za-z0-9+/=]+$' THEN
    RAISE EXCEPTION 'Not a SCRAM-SHA-256 verifier' USING ERRCODE = 'invalid_parameter_value';
  END IF;
  INSERT INTO @extschema@.archive_server_users AS u (name, verifier, may_query) VALUES ($1, $2, $3)
  ON CONFLICT ON CONSTRAINT archive_server_users_pkey DO UPDATE
    SET verifier = EXCLUDED.verifier, may_query = EXCLUDED.may_query;
END;
$$;
