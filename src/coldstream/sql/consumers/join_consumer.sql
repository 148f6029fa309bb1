-- audience: application
-- Makes a consumer's members known, where they are not. source is a category, a stream's name, or ''
-- for everything; a category may be divided among size members. A new member begins at position; NULL:
-- after the last message there is now, which is found as get_all_messages finds its end (see frontier).
--
-- What the name, the source and the size may be: see check_consumer.
--
-- A consumer that is known and reads something else, or has another number of members, is an error:
-- its positions would mean nothing. So is a position that no message can have been handled before.
CREATE OR REPLACE FUNCTION @extschema@.join_consumer(
  consumer text,
  source text,
  size integer DEFAULT 1,
  "position" bigint DEFAULT 0
)
RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  _known @extschema@.consumers;
  _position bigint := $4;
BEGIN
  SELECT c.* INTO _known FROM @extschema@.consumers AS c WHERE c.consumer = $1 LIMIT 1;
  IF _known.consumer IS NULL THEN
    PERFORM @extschema@.check_consumer($1, $2, $3);
    IF _position IS NULL THEN
      _position := CASE
        WHEN strpos($2, '-') > 0 THEN coalesce(@extschema@.stream_version($2), -1)
        ELSE @extschema@.frontier()
      END + 1;
    END IF;
    INSERT INTO @extschema@.consumers (consumer, member, size, source, position)
    SELECT $1, m.member, $3, $2, greatest(_position, 0)
    FROM generate_series(0, $3 - 1) AS m (member)
    ON CONFLICT DO NOTHING;
    -- Where somebody else was first, what he made is compared.
    SELECT c.* INTO _known FROM @extschema@.consumers AS c WHERE c.consumer = $1 LIMIT 1;
  END IF;

  IF _known.source <> $2 THEN
    RAISE EXCEPTION 'Consumer % reads %, not %', $1,
      coalesce(nullif(_known.source, ''), 'everything'), coalesce(nullif($2, ''), 'everything')
      USING
        ERRCODE = 'CS010',
        HINT = 'Choose another name, or delete this consumer and its positions first.';
  ELSIF _known.size <> $3 THEN
    RAISE EXCEPTION 'Consumer % is divided among % members, not %', $1, _known.size, $3
      USING
        ERRCODE = 'CS010',
        HINT = 'Each member has handled up to a position of its own. Stop it once it has caught up, and use '
          'coldstream consumers resize, or resize_consumer. Or choose another name.';
  END IF;

  PERFORM @extschema@.check_consumer_positions($1);
END;
$$;
