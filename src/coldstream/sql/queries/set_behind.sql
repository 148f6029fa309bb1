UPDATE @extschema@.incarnation SET is_behind = %s::boolean,
  written_by = pg_catalog.pg_current_xact_id()::xid
WHERE is_behind <> %s::boolean
