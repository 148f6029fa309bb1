-- audience: internal
-- The error that messages' NOT NULL would raise, with the text that Message DB's table gives: a
-- hypertable names the chunk.
CREATE OR REPLACE FUNCTION @extschema@.raise_null(stream_name text, type text, id text)
RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  _column text := CASE
    WHEN $1 IS NULL THEN 'stream_name' WHEN $2 IS NULL THEN 'type' ELSE 'id'
  END;
BEGIN
  RAISE EXCEPTION 'null value in column "%" of relation "messages" violates not-null constraint',
    _column
    USING
      ERRCODE = 'not_null_violation',
      SCHEMA = '@extschema_name@',
      TABLE = 'messages',
      COLUMN = _column;
END;
$$;
