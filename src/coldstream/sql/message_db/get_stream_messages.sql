-- audience: message_db
-- Messages of one stream, in order of position.
--
-- The page is read as stream_page has it, and where a part of it has left the database, that is an error. For
-- the settings see read_positions.
CREATE OR REPLACE FUNCTION @extschema@.get_stream_messages(
  stream_name varchar,
  "position" bigint DEFAULT 0,
  batch_size bigint DEFAULT 1000,
  condition varchar DEFAULT NULL
)
RETURNS SETOF @extschema@.message
LANGUAGE plpgsql VOLATILE
SET enable_sort = off
SET plan_cache_mode = force_generic_plan
SET jit = off
SET max_parallel_workers_per_gather = 0
AS $$
DECLARE
  _condition constant varchar := $4;
  _listed constant integer := NULL;
  @include stream_filter@
BEGIN
  IF @extschema@.is_category($1) THEN
    RAISE EXCEPTION 'Must be a stream name: %', $1;
  END IF;
  IF $4 IS NOT NULL THEN
    PERFORM @extschema@.check_condition($4);
    -- It is the caller's own text: its names are looked up by the caller's path, which nothing else is.
    PERFORM pg_catalog.set_config(
      'coldstream.condition_path', pg_catalog.current_setting('search_path'), true
    );
  END IF;

  IF @extschema@.debugging('message_store.debug_get') THEN
    RAISE NOTICE '» get_stream_messages';
    RAISE NOTICE 'stream_name ($1): %', $1;
    RAISE NOTICE 'position ($2): %', coalesce($2, 0);
    RAISE NOTICE 'batch_size ($3): %', coalesce($3, 1000);
    RAISE NOTICE 'condition ($4): %', $4;
    RAISE NOTICE 'Generated Command: %', @extschema@.select_messages(
      _filter, 1, $4, 'position ASC'
    );
  END IF;

  @include stream_page@
END;
$$;
