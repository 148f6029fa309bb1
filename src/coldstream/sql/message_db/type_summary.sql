-- audience: message_db
-- How many messages each type has in the database.
CREATE OR REPLACE VIEW @extschema@.type_summary AS
SELECT
  type,
  count(id) AS message_count,
  round(count(id) / sum(count(id)) OVER () * 100, 2) AS percent
FROM @extschema@.messages
GROUP BY type
ORDER BY type;
