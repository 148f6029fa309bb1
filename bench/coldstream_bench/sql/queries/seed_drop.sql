SELECT @timescaledb@.drop_chunks(
  '@seed@.messages', older_than => %(end)s::timestamptz AT TIME ZONE 'UTC'
)
