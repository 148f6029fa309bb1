-- audience: internal
-- The functions of the schema that have a name of this release's, with a digest of what each does.
CREATE OR REPLACE FUNCTION @extschema@.current_functions()
RETURNS TABLE (signature text, digest text)
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
-- The text of the arguments is compared with what an install recorded.
SET quote_all_identifiers = off
AS $$
BEGIN
  RETURN QUERY
  SELECT format('%s(%s)', p.proname, pg_get_function_identity_arguments(p.oid)),
    md5(concat_ws(' ', p.prosrc, p.prosecdef, p.provolatile, p.proconfig::text, l.lanname))
  FROM pg_proc AS p
  JOIN pg_language AS l ON l.oid = p.prolang
  WHERE p.pronamespace = '@extschema@'::regnamespace AND p.proname = ANY ('{@all_functions@}');
END;
$$;
