SELECT * FROM @timescaledb@.drop_chunks(
  '@store@.messages', older_than => %(end)s::timestamptz, newer_than => %(start)s::timestamptz
)
