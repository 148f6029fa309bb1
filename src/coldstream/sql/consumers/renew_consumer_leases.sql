-- audience: application
-- Says that a process still works for a consumer, and for how long at most it may be silent. Returns the
-- members whose messages it may handle until then, and from which position on.
--
-- The members are divided evenly among the processes that have spoken in time; those that joined first
-- get one more where it does not come out even. A process that has more than its share keeps what keep
-- is true for, finishes the message in hand for the others and gives them up (release_consumer_lease).
-- What a process left behind that fell silent is free once its lease is over, never before: times are
-- the database's, so no clock of another machine matters. only_member: the one that this process asks for,
-- where members are given by hand.
--
-- A lease that is taken gets another token. Rows that somebody is recording a position in are waited
-- for: then either the record is there, and the position read here is after it, or it finds another
-- token and is rolled back.
CREATE OR REPLACE FUNCTION @extschema@.renew_consumer_leases(
  consumer text,
  owner text,
  lease interval,
  only_member integer DEFAULT NULL
)
RETURNS TABLE (member integer, size integer, "position" bigint, token bigint, keep boolean)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
  _row @extschema@.consumers;
  _size integer;
  _paused boolean;
  _owners integer;
  _rank integer;
  _share integer;
  _held integer := 0;
BEGIN
  IF $3 IS NULL OR $3 <= INTERVAL '0' OR $3 > INTERVAL '1 day' THEN
    RAISE EXCEPTION 'A lease is longer than nothing and not longer than a day: %',
      coalesce($3::text, 'NULL')
      USING
        ERRCODE = 'CS010',
        HINT = 'It is how long the others wait for a process that died. One that works renews it.';
  ELSIF coalesce($2, '') = '' OR octet_length($2) > 2600 THEN
    RAISE EXCEPTION 'The owner of a lease has a name of 1 to 2600 bytes'
      USING ERRCODE = 'CS010', HINT = 'Name the process, for example by its host and number.';
  END IF;

  SELECT c.size, c.is_paused INTO _size, _paused
  FROM @extschema@.consumers AS c WHERE c.consumer = $1 LIMIT 1;
  IF _size IS NULL THEN
    RAISE EXCEPTION 'No consumer of this name: %', $1
      USING ERRCODE = 'CS010', HINT = 'It was deleted, or has never been started.';
  END IF;

  PERFORM @extschema@.check_consumer_positions($1);

  INSERT INTO @extschema@.consumer_owners AS o (consumer, owner, expires_at, member)
  VALUES ($1, $2, clock_timestamp() + $3, $4)
  ON CONFLICT (consumer, owner) DO UPDATE SET expires_at = excluded.expires_at;
  DELETE FROM @extschema@.consumer_owners AS o
  WHERE (o.consumer, o.owner) IN (
    SELECT e.consumer, e.owner FROM @extschema@.consumer_owners AS e
    WHERE e.consumer = $1 AND e.expires_at < clock_timestamp() FOR UPDATE SKIP LOCKED
  );

  IF _paused THEN
    _share := 0;
  ELSIF $4 IS NOT NULL THEN
    _share := 1;
  ELSE
    SELECT count(*), count(*) FILTER (WHERE (o.joined_at, o.owner) <= (m.joined_at, m.owner))
    INTO _owners, _rank
    FROM @extschema@.consumer_owners AS o
    JOIN @extschema@.consumer_owners AS m ON m.consumer = $1 AND m.owner = $2
    WHERE o.consumer = $1 AND o.member IS NULL;
    _share := _size / _owners + (_rank <= _size % _owners)::integer;
  END IF;

  FOR _row IN
    SELECT c.* FROM @extschema@.consumers AS c
    WHERE c.consumer = $1 AND c.owner = $2 ORDER BY c.member FOR UPDATE
  LOOP
    _held := _held + 1;
    UPDATE @extschema@.consumers AS c SET lease_until = clock_timestamp() + $3
    WHERE c.consumer = $1 AND c.member = _row.member;
    RETURN QUERY SELECT _row.member, _row.size, _row.position, _row.token, _held <= _share;
  END LOOP;

  IF _held < _share THEN
    FOR _row IN
      SELECT c.* FROM @extschema@.consumers AS c
      WHERE c.consumer = $1 AND (c.owner IS NULL OR c.lease_until < clock_timestamp())
        AND ($4 IS NULL OR c.member = $4)
      ORDER BY c.member FOR UPDATE LIMIT _share - _held
    LOOP
      UPDATE @extschema@.consumers AS c
      SET owner = $2, token = c.token + 1, lease_until = clock_timestamp() + $3
      WHERE c.consumer = $1 AND c.member = _row.member;
      RETURN QUERY SELECT _row.member, _row.size, _row.position, _row.token + 1, true;
    END LOOP;
  END IF;
END;
$$;
