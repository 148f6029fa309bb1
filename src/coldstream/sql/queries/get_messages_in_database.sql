-- The database's share of get_category_messages, or of get_all_messages for a NULL category, for a
-- client that reads the archive itself. archive_epoch is the one its list of archived chunks was read
-- with; an error (CS002) says that the list is out of date.
SELECT id::uuid, stream_name, type, position, global_position, data, metadata, time
FROM @extschema@.read_positions(
  %(category)s, %(position)s, %(batch_size)s,
  @extschema@.category_filter(
    %(category)s, %(correlation)s, %(consumer_group_member)s, %(consumer_group_size)s
  ),
  NULL, %(correlation)s, %(consumer_group_member)s, %(consumer_group_size)s,
  %(archive_epoch)s, %(last_position)s
)
