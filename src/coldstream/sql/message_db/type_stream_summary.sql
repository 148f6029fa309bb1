-- audience: message_db
-- How many messages each type has in each stream in the database.
CREATE OR REPLACE VIEW @extschema@.type_stream_summary AS
SELECT
  type, stream_name,
  count(id) AS message_count,
  round(count(id) / sum(count(id)) OVER () * 100, 2) AS percent
FROM @extschema@.messages
GROUP BY type, stream_name
ORDER BY type, stream_name;
