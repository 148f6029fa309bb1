-- audience: message_db
-- How many messages of each type each stream has in the database.
CREATE OR REPLACE VIEW @extschema@.stream_type_summary AS
SELECT
  stream_name, type,
  count(id) AS message_count,
  round(count(id) / sum(count(id)) OVER () * 100, 2) AS percent
FROM @extschema@.messages
GROUP BY stream_name, type
ORDER BY stream_name, type;
