SELECT setval(
  '@extschema@.messages_global_position_seq',
  greatest(1, (SELECT max(m.global_position) FROM @plain@.messages AS m))
)
