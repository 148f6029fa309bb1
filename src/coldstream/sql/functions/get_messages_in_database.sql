-- For clients that read the archive themselves: the database's share of get_category_messages, or of
-- get_all_messages for a NULL category. archive_epoch is the one the client's list of archived chunks
-- was read with; an error (CS002) says that the list is out of date.
CREATE OR REPLACE FUNCTION @extschema@.get_messages_in_database(
  category varchar,
  "position" bigint,
  batch_size bigint,
  correlation varchar,
  consumer_group_member bigint,
  consumer_group_size bigint,
  archive_epoch bigint,
  last_position bigint DEFAULT 9223372036854775807
)
RETURNS SETOF @extschema@.message
LANGUAGE plpgsql VOLATILE
AS $$
BEGIN
  IF NOT @extschema@.is_category($1) THEN
    RAISE EXCEPTION 'Must be a category: %', $1;
  END IF;
  PERFORM @extschema@.check_batch_size($3);

  RETURN QUERY
  SELECT m.* FROM @extschema@.read_positions(
    $1, $2, $3, @extschema@.category_filter($1, $4, $5, $6), NULL, $4, $5, $6, $7, $8
  ) AS m;
END;
$$;
