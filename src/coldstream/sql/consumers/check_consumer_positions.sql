-- audience: internal
-- An error where a consumer is at a position that no message can have been handled before: it would
-- silently skip all that gets a position below that. The sequence is read after the positions, which
-- others move meanwhile.
CREATE OR REPLACE FUNCTION @extschema@.check_consumer_positions(consumer text)
RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  _source text;
  _position bigint;
  _end bigint;
BEGIN
  SELECT c.source, c.position INTO _source, _position FROM @extschema@.consumers AS c
  WHERE c.consumer = $1 ORDER BY c.position DESC LIMIT 1;
  _end := CASE
    WHEN strpos(_source, '-') > 0 THEN coalesce(@extschema@.stream_version(_source), -1)
    ELSE (
      SELECT CASE WHEN s.is_called THEN s.last_value ELSE 0 END
      FROM @extschema@.messages_global_position_seq AS s
    )
  END + 1;
  IF _position > _end THEN
    RAISE EXCEPTION 'Consumer % is at position %, and the next message gets %', $1, _position, _end
      USING
        ERRCODE = 'CS010',
        HINT = 'Everything before its position would be skipped. Was the store restored or truncated? '
          'Reset the consumer to a position that exists.';
  END IF;
END;
$$;
