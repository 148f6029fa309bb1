-- audience: internal
-- Which database this is. system_identifier: of the server, NULL where it does not say. tables: the
-- numbers of the store's tables, which a physical copy keeps (pg_upgrade makes one, under another
-- system_identifier) and a dump that is loaded does not.
CREATE OR REPLACE FUNCTION @extschema@.place_of_store()
RETURNS TABLE (system_identifier bigint, database oid, tables oid[])
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  SELECT d.oid INTO database FROM pg_database AS d WHERE d.datname = current_database();
  tables := ARRAY[
    '@extschema@.messages'::regclass, '@extschema@.streams'::regclass, '@extschema@.chunks'::regclass,
    '@extschema@.store'::regclass, '@extschema@.incarnation'::regclass
  ]::oid[];
  BEGIN
    SELECT s.system_identifier INTO system_identifier FROM pg_control_system() AS s;
  EXCEPTION
    WHEN insufficient_privilege OR undefined_function THEN
      NULL;
  END;
  RETURN NEXT;
END;
$$;
