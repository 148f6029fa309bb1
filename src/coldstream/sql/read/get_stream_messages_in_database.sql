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
  @include stream_filter@
BEGIN
  LOOP
    BEGIN
      RETURN QUERY
      SELECT m.* FROM @extschema@.read_stream($1, $2, $3, _filter, NULL, with_archived => false) AS m;
      RETURN;
    EXCEPTION
      @include read_again@
    END;
  END LOOP;
END;
$$;
