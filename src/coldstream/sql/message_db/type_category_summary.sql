-- audience: message_db
-- How many messages each type has in each category in the database.
CREATE OR REPLACE VIEW @extschema@.type_category_summary AS
SELECT
  type, stream_category::varchar AS category,
  count(id) AS message_count,
  round(count(id) / sum(count(id)) OVER () * 100, 2) AS percent
FROM @extschema@.messages
GROUP BY stream_category, type
ORDER BY type, stream_category;
