-- Message DB: how many messages each type has in each category in the database.
CREATE OR REPLACE VIEW @extschema@.type_category_summary AS
SELECT
  type, category::varchar AS category,
  count(id) AS message_count,
  round(count(id) / sum(count(id)) OVER () * 100, 2) AS percent
FROM @extschema@.messages
GROUP BY messages.category, type
ORDER BY type, messages.category;
