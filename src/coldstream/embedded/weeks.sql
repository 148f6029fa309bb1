-- Ten weeks of an account service, as it would have written them: 700 messages from 2 January 2025 on, one
-- every 2.4 hours, in ten streams in turn. @extschema@ is the store's schema.
INSERT INTO @extschema@.messages (stream_name, position, type, data, time)
SELECT 'account-' || n % 10, n / 10, CASE WHEN n < 10 THEN 'Opened' ELSE 'Deposited' END,
  jsonb_build_object('amount', n), TIMESTAMPTZ '2025-01-02 00:00Z' + n * INTERVAL '2.4 hours'
FROM generate_series(0, 699) AS n
ORDER BY n
