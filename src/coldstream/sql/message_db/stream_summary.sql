-- audience: message_db
-- How many messages each stream has in the database.
CREATE OR REPLACE VIEW @extschema@.stream_summary AS
SELECT
  stream_name,
  count(id) AS message_count,
  round(count(id) / sum(count(id)) OVER () * 100, 2) AS percent
FROM @extschema@.messages
GROUP BY stream_name
ORDER BY stream_name;
