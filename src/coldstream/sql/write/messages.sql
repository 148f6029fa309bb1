-- audience: internal
-- Plain statements against messages keep the heads and the ledger true.
--
-- The condition lets the write functions pass: they name the bucket. The application's role has no right
-- to name it, and the owner's SELECT * of another store fails, because category is generated. PostgreSQL
-- reads the condition anew for each statement, so a sign in a setting, or a look at who the user is,
-- would have to be paid by every write.
DO $$
BEGIN
  IF NOT EXISTS (
    SELECT FROM pg_catalog.pg_trigger
    WHERE tgrelid = '@extschema@.messages'::regclass AND tgname = 'messages_before_insert'
  ) THEN
    CREATE TRIGGER messages_before_insert
    BEFORE INSERT ON @extschema@.messages
    FOR EACH ROW
    WHEN (NEW.position_bucket IS NULL)
    EXECUTE FUNCTION @extschema@.messages_before_insert();
  END IF;

  IF NOT EXISTS (
    SELECT FROM pg_catalog.pg_trigger
    WHERE tgrelid = '@extschema@.messages'::regclass AND tgname = 'messages_before_update'
  ) THEN
    CREATE TRIGGER messages_before_update
    BEFORE UPDATE ON @extschema@.messages
    FOR EACH ROW
    EXECUTE FUNCTION @extschema@.messages_before_update();
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
