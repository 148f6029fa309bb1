-- audience: part
-- The digest of the rows of a table of messages, from a time on and before another: how many, and the sums of the halves of their hashes.
-- A sum does not depend on the order of the rows, and counts a row that is there twice. OFFSET 0
-- keeps what a row is read and hashed by from being computed again for each use of it.
CREATE OR REPLACE FUNCTION @extschema@.digest_rows(
  rows regclass,
  range_start timestamptz,
  range_end timestamptz
)
RETURNS text
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  _digest text;
BEGIN
  -- The range as values: as text it would be what the session's settings make of a time.
  EXECUTE format(
    $query$
      SELECT 'sum-sha256:' || count(*) || ':'
        || @extschema@.hex_64(coalesce(sum(@extschema@.int_64(h.hash, 1)), 0))
        || @extschema@.hex_64(coalesce(sum(@extschema@.int_64(h.hash, 9)), 0))
      FROM (
        SELECT @extschema@.row_hash(
          r.global_position, r.position, r.time, r.id, r.stream_name, r.type, r.data, r.metadata
        ) AS hash
        FROM (
          SELECT m.global_position, m.position, m.time, m.id, m.stream_name, m.type,
            m.data::text AS data, m.metadata::text AS metadata
          FROM %s AS m
          WHERE m.time >= $1 AND m.time < $2
          OFFSET 0
        ) AS r
        OFFSET 0
      ) AS h
    $query$,
    @extschema@.qualified_name($1)
  )
  INTO _digest USING $2, $3;
  RETURN _digest;
END;
$$;
