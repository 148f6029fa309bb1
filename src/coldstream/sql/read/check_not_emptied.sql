-- audience: part
-- Refuses to go on with a chunk that has fewer of the messages which the ledger counted in it: they left past
-- the store, and whoever went on would never hear of it. Where some were deleted through the store, fewer are
-- no loss.
--
-- What came since has other positions, and is not counted. Looks at the rows, so call it only where something
-- says that they may be missing (see check_chunks_unchanged and admit_time).
CREATE OR REPLACE FUNCTION @extschema@.check_not_emptied(chunk_name text)
RETURNS void
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  _row @extschema@.chunks;
  _messages bigint;
BEGIN
  SELECT c.* INTO _row FROM @extschema@.chunks AS c
  WHERE c.chunk_name = $1 AND c.messages > 0 AND NOT c.thinned;
  IF NOT FOUND THEN
    RETURN;
  END IF;

  EXECUTE
    'SELECT count(*) FROM @extschema@.messages AS m
     WHERE m.time >= $1 AND m.time < $2 AND m.global_position BETWEEN $3 AND $4'
  INTO _messages
  USING _row.range_start, _row.range_end, _row.first_global_position, _row.last_global_position;
  IF _messages < _row.messages THEN
    RAISE EXCEPTION 'Messages are missing: % of % are there (Chunk: % to %)',
      _messages, _row.messages, _row.range_start, _row.range_end
      USING
        ERRCODE = 'CS009',
        HINT = 'They left a chunk past the store: was its table truncated, or dropped and made anew? '
          'Bring them back from a backup, past the store too (SET session_replication_role = replica), '
          'or take what is left for all there is: see recount_range.';
  END IF;
END;
$$;
