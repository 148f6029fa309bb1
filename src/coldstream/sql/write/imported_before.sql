-- audience: internal
-- Which of these messages are in the store already, with this position and this id: their global
-- positions, in the order of the arguments, NULL for those that are not. Empty where none is.
--
-- A position that another message has is refused, and one that may have left the database: what was
-- there is not known here.
CREATE OR REPLACE FUNCTION @extschema@.imported_before(
  positions bigint[],
  stream_names varchar[],
  ids uuid[]
)
RETURNS bigint[]
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  _existing bigint[];
  _stream_name text;
  _position bigint;
  _has_left boolean;
BEGIN
  -- EXECUTE, so that each look is planned for these positions.
  EXECUTE
    'SELECT array_agg(m.global_position ORDER BY u.number),
       (array_agg(u.stream_name ORDER BY u.number) FILTER (WHERE m.id <> u.id))[1],
       (array_agg(u.position ORDER BY u.number) FILTER (WHERE m.id <> u.id))[1]
     FROM unnest($1, $2, $3) WITH ORDINALITY AS u (position, stream_name, id, number)
     LEFT JOIN LATERAL (
       SELECT m.global_position, m.id
       FROM @extschema@.streams AS s, @extschema@.messages AS m
       WHERE md5(s.stream_name)::uuid = md5(u.stream_name)::uuid AND s.stream_name = u.stream_name
         AND u.position <= s.position
         AND m.stream_name = u.stream_name AND m.position = u.position
       LIMIT 1
     ) AS m ON true'
    INTO _existing, _stream_name, _position USING $1, $2, $3;

  IF _position IS NULL THEN
    EXECUTE
      'SELECT u.stream_name, u.position
       FROM unnest($1, $2, $3) AS u (position, stream_name, existing)
       JOIN @extschema@.streams AS s
         ON md5(s.stream_name)::uuid = md5(u.stream_name)::uuid AND s.stream_name = u.stream_name
       WHERE u.existing IS NULL AND u.position <= s.position AND EXISTS (
         SELECT FROM @extschema@.chunks AS c WHERE c.state = ''dropped'' AND c.range_end > s.first_time
       )
       LIMIT 1'
      INTO _stream_name, _position USING $1, $2, _existing;
    _has_left := _position IS NOT NULL;
  END IF;

  IF _position IS NOT NULL THEN
    PERFORM @extschema@.raise_exists(
      'messages_stream',
      format('(stream_name, "position")=(%s, %s)', _stream_name, _position),
      CASE
        WHEN _has_left THEN 'Perhaps in a range that has left the database: '
          'what an import had done before that is not known any more. Leave it out.'
        ELSE 'Another message is there. One that was imported before has the id that it had then.'
      END
    );
  END IF;

  RETURN CASE WHEN num_nonnulls(VARIADIC _existing) > 0 THEN _existing ELSE '{}' END;
END;
$$;
