-- audience: part; needs timescale
-- Messages of one stream from a position on, in order, over every tier: get_stream_messages where some of them
-- have left the database.
--
-- Positions have no gaps, so where the archive has the next ones one after another they are the page, and so
-- has the database what comes after them. Only what does not follow is looked for in both at once, at one
-- moment of the ledger: a gap (a plain INSERT left it, or a DELETE), positions that do not follow time, and
-- ranges that are nowhere, which are an error where they may explain the gap.
CREATE OR REPLACE FUNCTION @extschema@.stream_over_tiers(
  stream_name varchar,
  "position" bigint,
  batch_size bigint,
  condition varchar
)
RETURNS SETOF @extschema@.message
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  -- What is held at once of a read without a limit.
  _page constant bigint := 5000;
  _position bigint := greatest($2, 0);
  _left bigint := nullif($3, -1);
  _rows bigint;
  _listed bigint := 8;
  _limit bigint;
  _part record;
  _found @extschema@.message[];
  -- Of this moment: what is written later is not asked for.
  _version constant bigint := @extschema@.stream_version($1);
  -- The archive has no more of the stream.
  _is_read boolean := false;
BEGIN
  PERFORM @extschema@.check_batch_size($3);
  WHILE (_left IS NULL OR _left > 0) AND _position <= _version LOOP
    _limit := CASE WHEN $4 IS NULL THEN least(_left, _page) ELSE _page END;
    _found := '{}';
    IF NOT _is_read THEN
      _part := @extschema@.archived_part_of_stream($1, _position, _listed, _limit);
      IF pg_catalog.cardinality(_part.messages) = 0 AND _part.is_more THEN
        _listed := _listed * 4;
        CONTINUE;
      END IF;
      _listed := 8;
      IF _part.in_order THEN
        _found := @extschema@.following_messages(_part.messages, _position);
        _is_read := NOT _part.is_more AND pg_catalog.cardinality(_part.messages) < _limit
          AND pg_catalog.cardinality(_found) = pg_catalog.cardinality(_part.messages);
      END IF;
    END IF;
    IF pg_catalog.cardinality(_found) = 0 THEN
      -- What the database has may follow, up to the stream's end.
      _found := @extschema@.following_messages(
        (
          SELECT pg_catalog.array_agg(m.*::@extschema@.message ORDER BY m.position)
          FROM @extschema@.get_stream_messages_in_database($1, _position, _limit) AS m
        ),
        _position
      );
    END IF;
    IF pg_catalog.cardinality(_found) = 0 THEN
      _found := @extschema@.merged_messages($1, _position, _limit);
      EXIT WHEN pg_catalog.cardinality(_found) = 0;
    END IF;
    RETURN QUERY SELECT m.* FROM @extschema@.matching_messages(_found, $4, _left) AS m;
    GET DIAGNOSTICS _rows = ROW_COUNT;
    _left := _left - _rows;
    _position := _found[pg_catalog.cardinality(_found)].position + 1;
  END LOOP;
END;
$$;
