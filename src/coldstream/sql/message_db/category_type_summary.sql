-- audience: message_db
-- How many messages of each type each category has in the database.
CREATE OR REPLACE VIEW @extschema@.category_type_summary AS
SELECT
  stream_category::varchar AS category, type,
  count(id) AS message_count,
  round(count(id) / sum(count(id)) OVER () * 100, 2) AS percent
FROM @extschema@.messages
GROUP BY stream_category, type
ORDER BY stream_category, type;
