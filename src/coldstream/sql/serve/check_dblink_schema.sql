-- audience: internal; needs timescale
-- Refuses to put dblink into a schema that somebody else has, or may change or look into: dblink's functions are
-- for everybody who may look into their schema, and through them goes the password of the archive server. given: the
-- role that reads through it.
CREATE OR REPLACE FUNCTION @extschema@.check_dblink_schema(schema_name text, given name)
RETURNS void
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  _owner oid;
  _others text;
BEGIN
  SELECT n.nspowner INTO _owner FROM pg_namespace AS n WHERE n.nspname = $1;
  IF NOT FOUND THEN
    RETURN;
  END IF;
  IF pg_get_userbyid(_owner) NOT IN (CURRENT_USER, $2)
    AND NOT (SELECT r.rolsuper FROM pg_roles AS r WHERE r.oid = _owner)
  THEN
    RAISE EXCEPTION 'The schema % is owned by %', $1, pg_get_userbyid(_owner)
      USING
        ERRCODE = 'CS008',
        HINT = format(
          'dblink would be in its hands, with the password of the archive server. DROP SCHEMA %I, or as a '
          'superuser: CREATE EXTENSION dblink SCHEMA of your own.', $1
        );
  END IF;
  SELECT string_agg(
    DISTINCT CASE WHEN a.grantee = 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(a.grantee)) END, ', '
  ) INTO _others
  FROM pg_namespace AS n CROSS JOIN aclexplode(n.nspacl) AS a
  WHERE n.nspname = $1 AND a.grantee <> _owner
    AND (a.grantee = 0 OR pg_get_userbyid(a.grantee) NOT IN (CURRENT_USER, $2));
  IF _others IS NOT NULL THEN
    RAISE EXCEPTION 'The schema % is open to %', $1, _others
      USING
        ERRCODE = 'CS008',
        HINT = format(
          'Through dblink goes the password of the archive server. REVOKE ALL ON SCHEMA %I FROM %s', $1, _others
        );
  END IF;
END;
$$;
