-- audience: part
-- Whether message_store.debug, or the given one of its two parts, is on.
CREATE OR REPLACE FUNCTION @extschema@.debugging(setting text)
RETURNS boolean
LANGUAGE sql STABLE
AS $$
  SELECT coalesce(
    pg_catalog.current_setting($1, true) OPERATOR(pg_catalog.=) 'on'
      OR pg_catalog.current_setting('message_store.debug', true) OPERATOR(pg_catalog.=) 'on',
    false
  )
$$;
