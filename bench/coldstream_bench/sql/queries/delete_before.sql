DELETE FROM @plain@.messages WHERE time < %(end)s::timestamptz AT TIME ZONE 'UTC'
