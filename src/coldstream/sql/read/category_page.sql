-- audience: part
-- For clients that read the archive themselves: a page of a category (NULL: of every one, up to the frontier),
-- and where history that has left the database is in its way a last row, as read_positions has it.
CREATE OR REPLACE FUNCTION @extschema@.category_page(
  category varchar,
  "position" bigint,
  batch_size bigint,
  correlation varchar,
  consumer_group_member bigint,
  consumer_group_size bigint,
  listed integer
)
RETURNS SETOF @extschema@.message
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  _filter constant text := @extschema@.category_filter($1, $4, $5, $6);
  _last bigint := 9223372036854775807;
  _tries integer := 0;
BEGIN
  -- A statement of its own, before the one that reads: see get_all_messages.
  IF $1 IS NULL THEN
    _last := @extschema@.frontier();
  END IF;
  LOOP
    BEGIN
      RETURN QUERY
      SELECT m.* FROM @extschema@.read_positions(
        $1, $2, $3, _filter, NULL, $4, $5, $6, last_position => _last, listed => $7
      ) AS m;
      RETURN;
    EXCEPTION
      @include read_again@
    END;
  END LOOP;
END;
$$;
