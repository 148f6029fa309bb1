-- Plain statements against messages keep the heads and the ledger true.
--
-- The condition lets the write functions pass: they run as the owner and say so in a setting. Anybody
-- may set the setting, nobody else runs as the owner.
DO $$
BEGIN
  IF NOT EXISTS (
    SELECT FROM pg_catalog.pg_trigger
    WHERE tgrelid = '@extschema@.messages'::regclass AND tgname = 'messages_before_insert'
  ) THEN
    EXECUTE pg_catalog.format(
      'CREATE TRIGGER messages_before_insert
       BEFORE INSERT ON @extschema@.messages
       FOR EACH ROW
       WHEN (
         pg_catalog.current_setting(''coldstream.writing'', true) IS DISTINCT FROM ''on''
         OR CURRENT_USER <> %L
       )
       EXECUTE FUNCTION @extschema@.messages_before_insert()',
      CURRENT_USER
    );
  END IF;

  IF NOT EXISTS (
    SELECT FROM pg_catalog.pg_trigger
    WHERE tgrelid = '@extschema@.messages'::regclass AND tgname = 'messages_after_truncate'
  ) THEN
    CREATE TRIGGER messages_after_truncate
    AFTER TRUNCATE ON @extschema@.messages
    FOR EACH STATEMENT
    EXECUTE FUNCTION @extschema@.messages_after_truncate();
  END IF;
END;
$$;
