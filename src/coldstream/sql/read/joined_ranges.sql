-- audience: part
-- Ranges of time and one more, as few as they are: each one is planned for itself, with all that
-- planning the hypertable takes, and neighbouring chunks are one range.
CREATE OR REPLACE FUNCTION @extschema@.joined_ranges(ranges tstzrange[], range tstzrange)
RETURNS tstzrange[]
LANGUAGE sql IMMUTABLE
AS $$
  SELECT CASE
    WHEN $1[pg_catalog.cardinality($1)] OPERATOR(pg_catalog.-|-) $2 THEN
      $1[:pg_catalog.cardinality($1) OPERATOR(pg_catalog.-) 1]
        OPERATOR(pg_catalog.||) ($1[pg_catalog.cardinality($1)] OPERATOR(pg_catalog.+) $2)
    ELSE $1 OPERATOR(pg_catalog.||) $2
  END
$$;
