-- audience: internal; needs timescale
-- Whether the database that wrote the store's row of incarnation is this one, or this one after
-- pg_upgrade or a failover; otherwise it is a copy. A standby that was promoted, and a physical backup
-- that was restored, cannot be told from the database they are of: the archive's claims tell them.
CREATE OR REPLACE FUNCTION @extschema@.store_is_here()
RETURNS boolean
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  RETURN (
    SELECT CASE
      WHEN i.system_identifier = p.system_identifier THEN i.database = p.database
      -- pg_upgrade gives the same tables another server. So do two dumps that are loaded into servers just
      -- made: they count from the same number. The version of the row tells them apart.
      WHEN i.system_identifier <> p.system_identifier THEN i.tables = p.tables AND i.xmin = i.written_by
      ELSE i.database = p.database AND i.tables = p.tables AND i.xmin = i.written_by
    END
    FROM @extschema@.incarnation AS i, @extschema@.place_of_store() AS p
  );
END;
$$;
