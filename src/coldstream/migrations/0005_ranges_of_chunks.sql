-- Which chunks a time lies in. Ranges may overlap: one that became longer reaches back over those that have
-- left.
CREATE INDEX chunks_range ON @extschema@.chunks USING gist (pg_catalog.tstzrange(range_start, range_end));

-- Has another parameter now.
DROP FUNCTION IF EXISTS @extschema@.closed_chunks(text, bigint, integer, boolean);
