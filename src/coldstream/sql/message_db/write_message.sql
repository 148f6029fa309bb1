-- audience: message_db
-- Writes one message, returns its position in the stream.
--
-- Order matters:
--   1. the category lock: one writer a category, so positions and global positions of a category
--      are handed out in the order of commit;
--   2. the head: an upsert, because only a row that both writers change makes PostgreSQL refuse
--      the second of two REPEATABLE READ or SERIALIZABLE writers with a stale snapshot (40001).
--      The time never goes back inside a stream, whatever the clock does: clock_timestamp(), not
--      now(), because a transaction that waited for the lock began before the one it waited for;
--   3. the message. Its bucket is named here, in write_messages, an import and a rehydration only: a row
--      that comes without one is a plain INSERT, and the trigger does for it what this function does.
--      to_json gives jsonb's text as it is, where a cast to json would parse it again;
--   4. its id, which a message in row form may have already (23505, of an index that is named as
--      Message DB's);
--   5. the look at the ledger: the INSERT of 3 holds the chunk's lock, so the chunk cannot close
--      between the look and the write. closed_before is a sequence: it is read without a query, and
--      as it is now whatever the isolation level (see sync_store). One of another store seems to be
--      far ahead of every time.
--
-- This is the most used code of all. Everything rare is a function of its own, and what can be an
-- expression is one: each statement and each call is paid by every write, and so would a search_path
-- of its own be (bench/profiles/write_profile.py prints what these cost). It runs as the owner under its
-- caller's path, and therefore every name, operator and type is qualified, also in what is inlined
-- here (hash_64, debugging), and everything it calls does the same or sets the path: pg_temp comes
-- first for types, whatever the path says, and a domain there has a check that would run as the owner.
CREATE OR REPLACE FUNCTION @extschema@.write_message(
  id varchar,
  stream_name varchar,
  "type" varchar,
  data jsonb,
  metadata jsonb DEFAULT NULL,
  expected_version bigint DEFAULT NULL
)
RETURNS bigint
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
AS $$
#variable_conflict use_column
DECLARE
  _position bigint;
  _time pg_catalog.timestamptz;
  _global_position bigint;
BEGIN
  IF pg_catalog.pg_advisory_xact_lock(
    @extschema@.hash_64(pg_catalog.split_part($2, '-', 1)::varchar)
  ) IS NULL OR @extschema@.debugging('message_store.debug_write')
    OR @rows_hidden@
  THEN
    PERFORM @extschema@.acquire_lock($2);
  END IF;

  IF $6 IS NULL AND $2 IS NOT NULL THEN
    INSERT INTO @extschema@.streams AS s (stream_name, position, first_time, time)
    VALUES ($2, 0, pg_catalog.clock_timestamp(), pg_catalog.clock_timestamp())
    ON CONFLICT ((pg_catalog.md5(stream_name)::pg_catalog.uuid)) DO UPDATE
      SET position = s.position OPERATOR(pg_catalog.+) 1,
        time = greatest(pg_catalog.clock_timestamp(), s.time)
      WHERE s.stream_name OPERATOR(pg_catalog.=) $2
    RETURNING s.position, s.time INTO _position, _time;
  ELSIF $6 OPERATOR(pg_catalog.=) -1 AND $2 IS NOT NULL THEN
    INSERT INTO @extschema@.streams AS s (stream_name, position, first_time, time)
    VALUES ($2, 0, pg_catalog.clock_timestamp(), pg_catalog.clock_timestamp())
    ON CONFLICT ((pg_catalog.md5(stream_name)::pg_catalog.uuid)) DO NOTHING
    RETURNING s.position, s.time INTO _position, _time;
  ELSE
    UPDATE @extschema@.streams AS s
    SET position = s.position OPERATOR(pg_catalog.+) 1,
      time = greatest(pg_catalog.clock_timestamp(), s.time)
    WHERE pg_catalog.md5(s.stream_name)::pg_catalog.uuid
        OPERATOR(pg_catalog.=) pg_catalog.md5($2)::pg_catalog.uuid
      AND s.stream_name OPERATOR(pg_catalog.=) $2 AND s.position OPERATOR(pg_catalog.=) $6
    RETURNING s.position, s.time INTO _position, _time;
  END IF;

  IF _position IS NULL OR $3 IS NULL OR $1 IS NULL
    OR _time OPERATOR(pg_catalog.>) pg_catalog.clock_timestamp()
  THEN
    PERFORM @extschema@.check_write($1, $2, $3, $6, _position, _time);
  END IF;

  _global_position := pg_catalog.nextval('@extschema@.messages_global_position_seq');
  INSERT INTO @extschema@.messages
    (global_position, position, time, stream_name, type, data, metadata, id, position_bucket,
    correlation_category)
  VALUES (
    _global_position, _position, _time, $2, $3, pg_catalog.to_json($4), pg_catalog.to_json($5),
    $1::pg_catalog.uuid, _global_position OPERATOR(pg_catalog.>>) 14,
    coalesce(
      pg_catalog.split_part($5 OPERATOR(pg_catalog.->>) 'correlationStreamName', '-', 1), '-'
    )
  );
  INSERT INTO @extschema@.recent_ids (id, global_position)
  VALUES ($1::pg_catalog.uuid, _global_position);

  IF (_time OPERATOR(pg_catalog.<) pg_catalog.to_timestamp(
    least(
      pg_catalog.pg_sequence_last_value('@extschema@.closed_before')
        OPERATOR(pg_catalog.#) @extschema@.store_token(),
      9000000000000
    )
  )) IS NOT FALSE THEN
    PERFORM @extschema@.admit_time(_time);
  END IF;

  IF @extschema@.debugging('message_store.debug_write') THEN
    RAISE NOTICE '» write_message';
    RAISE NOTICE 'id ($1): %', $1;
    RAISE NOTICE 'stream_name ($2): %', $2;
    RAISE NOTICE 'type ($3): %', $3;
    RAISE NOTICE 'data ($4): %', $4;
    RAISE NOTICE 'metadata ($5): %', $5;
    RAISE NOTICE 'expected_version ($6): %', $6;
    RAISE NOTICE '_stream_version: %', _position OPERATOR(pg_catalog.-) 1;
    RAISE NOTICE '_next_position: %', _position;
  END IF;

  RETURN _position;
END;
$$;
