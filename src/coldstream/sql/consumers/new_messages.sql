-- audience: part
-- For whoever wakes consumers: which messages are visible of those after a position and up to another, and of
-- these positions, which were drawn before and not visible then. Their positions with their categories, so
-- many at most, in order of position. closed_before: where that has moved since the last look, some may
-- have gone to closed chunks, which are not looked into.
CREATE OR REPLACE FUNCTION @extschema@.new_messages(
  after bigint,
  "last" bigint,
  missing bigint[],
  "limit" bigint,
  OUT closed_before timestamptz,
  OUT positions bigint[],
  OUT categories text[]
)
RETURNS record
LANGUAGE plpgsql STABLE
SET plan_cache_mode = force_generic_plan
SET jit = off
SET max_parallel_workers_per_gather = 0
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  _open record;
  _range tstzrange;
  _positions bigint[];
  _categories text[];
BEGIN
  SELECT s.closed_before INTO closed_before FROM @extschema@.store AS s;
  _open := @extschema@.open_ranges(closed_before);
  positions := '{}';
  categories := '{}';
  FOREACH _range IN ARRAY _open.ranges LOOP
    EXECUTE 'SELECT pg_catalog.array_agg(f.global_position), pg_catalog.array_agg(f.stream_category)
      FROM (
        SELECT m.global_position, m.stream_category FROM @extschema@.messages AS m
        WHERE m.global_position > $1 AND m.global_position <= $2
          AND m.time >= pg_catalog.lower($5) AND m.time < pg_catalog.upper($5)
        ORDER BY m.global_position LIMIT $4
      ) AS f'
    INTO _positions, _categories USING $1, $2, $3, $4, _range;
    positions := positions || _positions;
    categories := categories || _categories;
    IF $3 <> '{}' THEN
      EXECUTE 'SELECT pg_catalog.array_agg(m.global_position), pg_catalog.array_agg(m.stream_category)
        FROM @extschema@.messages AS m
        WHERE m.global_position = ANY ($3)
          AND m.time >= pg_catalog.lower($5) AND m.time < pg_catalog.upper($5)'
      INTO _positions, _categories USING $1, $2, $3, $4, _range;
      positions := positions || _positions;
      categories := categories || _categories;
    END IF;
  END LOOP;
  PERFORM @extschema@.check_chunks_unchanged(_open.chunk_names, closed_before);
END;
$$;
