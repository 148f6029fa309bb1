-- audience: internal
-- Refuses a transaction whose plain INSERTs make very many chunks. Each is a table that all others have
-- to learn of: thousands at once end in a backend that nobody can stop, and meanwhile no other
-- transaction can make the chunk that it needs.
--
-- Called for a chunk that has no row yet, and so once for each that the transaction makes.
CREATE OR REPLACE FUNCTION @extschema@.check_new_chunks(chunk oid)
RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  _max_chunks constant integer := 500;
BEGIN
  -- A transaction counts from its own number on: what is not older was made by it.
  IF age((SELECT i.xmin FROM pg_inherits AS i WHERE i.inhrelid = $1)) <= 0 AND (
    SELECT count(*) FROM pg_inherits AS i
    WHERE i.inhparent = '@extschema@.messages'::regclass AND age(i.xmin) <= 0
  ) > _max_chunks THEN
    RAISE EXCEPTION 'One transaction cannot make more than % chunks of messages', _max_chunks
      USING
        ERRCODE = 'program_limit_exceeded',
        HINT = 'Insert a part of the time at once, each part in its own transaction, '
          'or make the chunk interval longer.';
  END IF;
END;
$$;
