-- Of a database that is a copy: whether it has its original's tables, as CREATE DATABASE ... TEMPLATE leaves
-- them, or others, as a dump does; and what the original is called, where it is on this server still. No row
-- where it was on another server, or nobody knows.
SELECT i.tables = p.tables, d.datname::text
FROM @extschema@.incarnation AS i
JOIN @extschema@.place_of_store() AS p
  ON p.system_identifier = i.system_identifier AND p.database <> i.database
LEFT JOIN pg_catalog.pg_database AS d ON d.oid = i.database
