-- Writes one message and returns where it went. write_message is this with Message DB's result.
--
-- Order matters:
--   1. the category lock: one writer a category, so positions and global positions of a category
--      are handed out in the order of commit;
--   2. the head: an upsert, because only a row that both writers change makes PostgreSQL refuse
--      the second of two REPEATABLE READ or SERIALIZABLE writers with a stale snapshot (40001);
--   3. the message; 4. the look at the ledger, after the INSERT holds the chunk's lock, so that a
--      chunk cannot close between the look and the write.
CREATE OR REPLACE FUNCTION @extschema@.write_message_returning(
  id varchar,
  stream_name varchar,
  "type" varchar,
  data jsonb,
  metadata jsonb DEFAULT NULL,
  expected_version bigint DEFAULT NULL,
  OUT "position" bigint,
  OUT global_position bigint
)
RETURNS record
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
  _id uuid;
  _head record;
  _store @extschema@.store;
  _chunk oid;
BEGIN
  PERFORM @extschema@.acquire_lock($2);
  _head := @extschema@.advance_head($2, 1, $6);

  _id := uuid($1);
  IF $2 IS NULL OR $3 IS NULL OR $1 IS NULL THEN
    PERFORM @extschema@.raise_null($2, $3, $1);
  END IF;
  SELECT s.* INTO _store FROM @extschema@.store AS s;
  IF _head.time > clock_timestamp() + _store.max_clock_lead THEN
    PERFORM @extschema@.raise_clock_behind($2, _head.time);
  END IF;
  PERFORM @extschema@.check_ids(ARRAY[_id], _store.rows_since);

  -- See the trigger. Not as a SET of the function: only a superuser may give a function a setting
  -- that no library has declared.
  PERFORM set_config('coldstream.writing', 'on', true);
  INSERT INTO @extschema@.messages (id, stream_name, position, type, data, metadata, time)
  VALUES (_id, $2, _head.position, $3, $4, $5, _head.time)
  RETURNING messages.global_position, messages.tableoid
  INTO write_message_returning.global_position, _chunk;
  PERFORM set_config('coldstream.writing', 'off', true);

  PERFORM @extschema@.admit_time(_head.time, _chunk);
  write_message_returning.position := _head.position;

  IF @extschema@.debugging('message_store.debug_write') THEN
    RAISE NOTICE '» write_message';
    RAISE NOTICE 'id ($1): %', $1;
    RAISE NOTICE 'stream_name ($2): %', $2;
    RAISE NOTICE 'type ($3): %', $3;
    RAISE NOTICE 'data ($4): %', $4;
    RAISE NOTICE 'metadata ($5): %', $5;
    RAISE NOTICE 'expected_version ($6): %', $6;
    RAISE NOTICE '_stream_version: %', write_message_returning.position - 1;
    RAISE NOTICE '_next_position: %', write_message_returning.position;
  END IF;
END;
$$;
