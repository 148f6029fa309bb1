-- audience: internal
-- Refuses to go on while messages has a column that this release does not know, or one of another type:
-- it would not be archived, and be dropped with the chunk.
CREATE OR REPLACE FUNCTION @extschema@.check_columns()
RETURNS void
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  _columns text;
BEGIN
  SELECT string_agg(format('%s %s', a.attname, format_type(a.atttypid, a.atttypmod)), ', ' ORDER BY a.attnum)
  INTO _columns
  FROM pg_attribute AS a
  WHERE a.attrelid = '@extschema@.messages'::regclass AND a.attnum > 0 AND NOT a.attisdropped
    AND NOT (a.attname, a.atttypid) IN (
      ('global_position', 'bigint'::regtype), ('position', 'bigint'::regtype),
      ('time', 'timestamptz'::regtype), ('stream_name', 'text'::regtype), ('type', 'text'::regtype),
      ('data', 'json'::regtype), ('metadata', 'json'::regtype), ('id', 'uuid'::regtype),
      ('stream_category', 'text'::regtype), ('correlation_category', 'text'::regtype),
      ('position_bucket', 'bigint'::regtype)
    );
  IF _columns IS NOT NULL THEN
    RAISE EXCEPTION 'The table messages has columns that are not archived: %', _columns
      USING
        ERRCODE = 'CS008',
        HINT = 'They would be lost with the chunk. Move them into a table of their own, or into metadata, '
          'and drop them from messages.';
  END IF;
END;
$$;
