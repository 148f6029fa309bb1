-- audience: internal
-- The error of one of Message DB's unique indexes, which messages does not have.
CREATE OR REPLACE FUNCTION @extschema@.raise_exists(
  index_name text,
  key text,
  hint text DEFAULT NULL
)
RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  RAISE EXCEPTION 'duplicate key value violates unique constraint "%"', $1
    USING
      ERRCODE = 'unique_violation',
      DETAIL = format('Key %s already exists.', $2),
      SCHEMA = '@extschema_name@',
      TABLE = 'messages',
      CONSTRAINT = $1,
      HINT = coalesce($3, 'Nothing was written.');
END;
$$;
