-- audience: part; needs timescale
-- Messages of a category (NULL: of all) in order of global position, over every tier: get_category_messages
-- where some of them have left the database.
--
-- A step asks the archive first, and then the database for no more than the positions that the archive's answer
-- covers: what each has first are the first of both. The database is asked with the epoch of the ledger that the
-- list of files was made with, and refuses (CS002) once a range has left or come back since.
CREATE OR REPLACE FUNCTION @extschema@.category_over_tiers(
  category varchar,
  "position" bigint,
  batch_size bigint,
  condition varchar,
  correlation varchar,
  consumer_group_member bigint,
  consumer_group_size bigint,
  last_position bigint DEFAULT 9223372036854775807
)
RETURNS SETOF @extschema@.message
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  -- What is held at once of a read without a limit.
  _page constant bigint := 5000;
  _filter constant text := @extschema@.category_filter($1, $5, $6, $7);
  _position bigint := greatest($2, 0);
  _left bigint := nullif($3, -1);
  _rows bigint;
  _listed bigint := 8;
  _limit bigint;
  _part record;
  _end bigint;
  _in_database @extschema@.message[];
  _found @extschema@.message[];
  _tries integer := 0;
BEGIN
  PERFORM @extschema@.check_batch_size($3);
  WHILE (_left IS NULL OR _left > 0) AND _position <= $8 LOOP
    _limit := CASE WHEN $4 IS NULL THEN least(_left, _page) ELSE _page END;
    _part := @extschema@.archived_part_of_category(
      $1, _position, $8, _listed, _limit, $5, $6, $7
    );
    IF _part.gone_from <= _position THEN
      PERFORM @extschema@.raise_archived(coalesce($1, '(all)')::text, _position, c, true)
      FROM @extschema@.chunks AS c
      WHERE c.range_start = _part.gone_start;
    END IF;
    _end := least($8, _part.next - 1);
    IF pg_catalog.cardinality(_part.messages) = _limit THEN
      _end := _part.messages[_limit].global_position;
    END IF;
    BEGIN
      _in_database := (
        SELECT pg_catalog.array_agg(m.*::@extschema@.message)
        FROM @extschema@.read_positions(
          $1, _position, _limit, _filter, NULL, $5, $6, $7,
          archive_epoch => _part.epoch, last_position => _end
        ) AS m
      );
    EXCEPTION
      WHEN SQLSTATE 'CS002' OR serialization_failure THEN
        _tries := _tries + 1;
        IF _tries = 20
          OR pg_catalog.left(pg_catalog.current_setting('transaction_isolation'), 4) <> 'read'
        THEN
          RAISE EXCEPTION 'Messages came or left during the read of %', coalesce($1, 'everything')
            USING ERRCODE = 'serialization_failure', HINT = 'Read again.';
        END IF;
        CONTINUE;
    END;

    IF coalesce(pg_catalog.cardinality(_in_database), 0) = 0 THEN
      _found := _part.messages;
    ELSIF pg_catalog.cardinality(_part.messages) = 0 THEN
      _found := _in_database;
    ELSE
      -- What came back is in both.
      _found := (
        SELECT pg_catalog.array_agg(d.message ORDER BY d.global_position)
        FROM (
          SELECT DISTINCT ON (u.global_position) u.global_position,
            ROW(u.id, u.stream_name, u.type, u.position, u.global_position, u.data, u.metadata, u.time
            )::@extschema@.message AS message
          FROM (
            SELECT a.* FROM pg_catalog.unnest(_part.messages) AS a
            UNION ALL
            SELECT b.* FROM pg_catalog.unnest(_in_database) AS b
          ) AS u
          ORDER BY u.global_position
          LIMIT _limit
        ) AS d
      );
    END IF;
    RETURN QUERY SELECT m.* FROM @extschema@.matching_messages(_found, $4, _left) AS m;
    GET DIAGNOSTICS _rows = ROW_COUNT;
    _left := _left - _rows;
    IF pg_catalog.cardinality(_found) = _limit THEN
      _position := _found[_limit].global_position + 1;
    ELSE
      EXIT WHEN _end = 9223372036854775807;
      _position := _end + 1;
      -- Most reads want a page or two; one that goes on soon gets all of the list.
      _listed := least(_listed * 4, 2147483647);
    END IF;
  END LOOP;
END;
$$;
