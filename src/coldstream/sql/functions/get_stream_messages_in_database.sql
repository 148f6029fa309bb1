-- For clients that read the archive themselves: get_stream_messages without what has left the
-- database. The caller sees by the positions, which have no gaps, where something is missing.
CREATE OR REPLACE FUNCTION @extschema@.get_stream_messages_in_database(
  stream_name varchar,
  "position" bigint,
  batch_size bigint
)
RETURNS SETOF @extschema@.message
LANGUAGE plpgsql VOLATILE
SET "message_store.archived_reads" = 'skip'
AS $$
BEGIN
  RETURN QUERY SELECT m.* FROM @extschema@.get_stream_messages($1, $2, $3) AS m;
END;
$$;
