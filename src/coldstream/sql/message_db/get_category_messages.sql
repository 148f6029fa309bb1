-- audience: message_db
-- Messages of the streams of one category, in order of global position.
CREATE OR REPLACE FUNCTION @extschema@.get_category_messages(
  category varchar,
  "position" bigint DEFAULT 1,
  batch_size bigint DEFAULT 1000,
  correlation varchar DEFAULT NULL,
  consumer_group_member bigint DEFAULT NULL,
  consumer_group_size bigint DEFAULT NULL,
  condition varchar DEFAULT NULL
)
RETURNS SETOF @extschema@.message
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
  _position bigint := coalesce($2, 1);
  _batch_size bigint := coalesce($3, 1000);
  _filter pg_catalog.text;
  _tries integer := 0;
BEGIN
  IF NOT @extschema@.is_category($1) THEN
    RAISE EXCEPTION 'Must be a category: %', $1;
  END IF;
  _filter := @extschema@.category_filter(coalesce($1, ''), $4, $5, $6);
  IF $7 IS NOT NULL THEN
    PERFORM @extschema@.check_condition($7);
    -- It is the caller's own text: its names are looked up by the caller's path, which nothing else is.
    PERFORM pg_catalog.set_config(
      'coldstream.condition_path', pg_catalog.current_setting('search_path'), true
    );
  END IF;

  IF @extschema@.debugging('message_store.debug_get') THEN
    RAISE NOTICE '» get_category_messages';
    RAISE NOTICE 'category ($1): %', $1;
    RAISE NOTICE 'position ($2): %', _position;
    RAISE NOTICE 'batch_size ($3): %', _batch_size;
    RAISE NOTICE 'correlation ($4): %', $4;
    RAISE NOTICE 'consumer_group_member ($5): %', $5;
    RAISE NOTICE 'consumer_group_size ($6): %', $6;
    RAISE NOTICE 'condition: %', $7;
    RAISE NOTICE 'Generated Command: %', @extschema@.select_messages(
      _filter, 1, $7, 'global_position ASC'
    );
  END IF;

  -- Message DB gives nothing for NULL; read_positions would give every category. Over no chunk, and still
  -- run: a wrong condition or limit is an error.
  IF $1 IS NULL THEN
    RETURN QUERY EXECUTE @extschema@.select_messages(_filter, 1, $7, 'global_position ASC')
      USING $1, _position, CASE WHEN _batch_size OPERATOR(pg_catalog.<>) -1 THEN _batch_size END,
        _position, $4, $5, $6::smallint, ARRAY[pg_catalog.tstzrange('infinity', 'infinity', '[]')];
    RETURN;
  END IF;

  LOOP
    BEGIN
      RETURN QUERY
      SELECT m.* FROM @extschema@.read_positions(
        $1, _position, _batch_size, _filter, $7, $4, $5, $6
      ) AS m;
      RETURN;
    EXCEPTION
      @include read_again@
      WHEN SQLSTATE 'CS001' THEN
        IF NOT @extschema@.fetches_archived() THEN
          RAISE;
        END IF;
        RETURN QUERY
        SELECT m.* FROM @extschema@.category_over_tiers(
          $1, _position, _batch_size, $7, $4, $5, $6
        ) AS m;
        RETURN;
    END;
  END LOOP;
END;
$$;
