-- Plain statements against messages keep the heads and the ledger true.
--
-- The condition lets the write functions pass: they run as the owner and name the bucket. Nobody else
-- runs as the owner, and the owner's SELECT * of another store fails (category is generated). A sign
-- in a setting, in place of the bucket, costs every write a tenth: the condition is read anew for each.
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
       WHEN (NEW.position_bucket IS NULL OR CURRENT_USER <> %L)
       EXECUTE FUNCTION @extschema@.messages_before_insert()',
      CURRENT_USER
    );
  END IF;

  IF NOT EXISTS (
    SELECT FROM pg_catalog.pg_trigger
    WHERE tgrelid = '@extschema@.messages'::regclass AND tgname = 'messages_after_delete'
  ) THEN
    CREATE TRIGGER messages_after_delete
    AFTER DELETE ON @extschema@.messages
    FOR EACH ROW
    EXECUTE FUNCTION @extschema@.messages_after_delete();
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
