-- audience: part
-- For clients that read the archive themselves: get_stream_messages without what has left the
-- database. The caller sees by the positions, which have no gaps, where something is missing.
CREATE OR REPLACE FUNCTION @extschema@.get_stream_messages_in_database(
  stream_name varchar,
  "position" bigint,
  batch_size bigint
)
RETURNS SETOF @extschema@.message
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  _tries integer := 0;
  -- As in get_stream_messages.
  _filter constant text :=
    'm.stream_name = $1 AND m.stream_category = $4 AND m.position >= $2 AND m.position <= $5';
BEGIN
  LOOP
    BEGIN
      RETURN QUERY
      SELECT m.* FROM @extschema@.read_stream($1, $2, $3, _filter, NULL, with_archived => false) AS m;
      RETURN;
    EXCEPTION
      WHEN serialization_failure THEN
        -- The next statement has a new snapshot, but not at a higher level than READ COMMITTED.
        _tries := _tries OPERATOR(pg_catalog.+) 1;
        IF _tries OPERATOR(pg_catalog.=) 20
          OR pg_catalog.left(pg_catalog.current_setting('transaction_isolation'), 4) OPERATOR(pg_catalog.<>) 'read'
        THEN
          RAISE;
        END IF;
    END;
  END LOOP;
END;
$$;
