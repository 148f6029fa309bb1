-- audience: application
-- Divides a consumer among another number of members. Returns the position that all of them go on from:
-- the least of the old ones.
--
-- Streams fall to other members then, so where the old ones are at different positions some messages are
-- handled again; that is refused unless may_repeat. A consumer that has caught up with a category that
-- nobody writes to has its members at one position. Refused also while somebody works for it: see
-- delete_consumer. The tokens go on, so nothing of a former owner can be committed.
CREATE OR REPLACE FUNCTION @extschema@.resize_consumer(
  consumer text,
  size integer,
  may_repeat boolean DEFAULT false
)
RETURNS bigint
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
  _source text;
  _is_paused boolean;
  _first bigint;
  _last bigint;
  _token bigint;
BEGIN
  -- The rows' locks: nobody takes a member over, or records a position, until this is done.
  PERFORM FROM @extschema@.consumers AS c WHERE c.consumer = $1 ORDER BY c.member FOR UPDATE;
  SELECT min(c.source), bool_or(c.is_paused), min(c.position), max(c.position), max(c.token)
  INTO _source, _is_paused, _first, _last, _token
  FROM @extschema@.consumers AS c WHERE c.consumer = $1;
  IF _source IS NULL THEN
    RAISE EXCEPTION 'No consumer of this name: %', $1
      USING ERRCODE = 'CS010', HINT = 'List them with get_consumers.';
  END IF;
  PERFORM @extschema@.check_consumer($1, _source, $2);
  IF EXISTS (
    SELECT FROM @extschema@.consumer_owners AS o
    WHERE o.consumer = $1 AND o.expires_at > clock_timestamp()
  ) THEN
    RAISE EXCEPTION 'Consumer % is running', $1
      USING ERRCODE = 'CS010', HINT = 'Stop the processes that work for it first.';
  ELSIF _first <> _last AND $3 IS NOT TRUE THEN
    RAISE EXCEPTION 'The members of % are at positions % to %, and messages in between would be handled again',
      $1, _first, _last
      USING
        ERRCODE = 'CS010',
        HINT = 'Let it catch up first; or say that they may be (may_repeat, --may-repeat).';
  END IF;

  DELETE FROM @extschema@.consumers AS c WHERE c.consumer = $1;
  INSERT INTO @extschema@.consumers (
    consumer, member, size, source, position, recorded_at, is_paused, token
  )
  SELECT $1, m.member, $2, _source, _first, clock_timestamp(), _is_paused, _token + 1
  FROM generate_series(0, $2 - 1) AS m (member);
  RETURN _first;
END;
$$;
