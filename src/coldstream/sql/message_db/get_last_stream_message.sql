-- audience: message_db
-- The last message of a stream, or the last one of a type.
--
-- It is looked for as last_message has it, and where it has left the database, that is an error. For the
-- settings see read_positions.
CREATE OR REPLACE FUNCTION @extschema@.get_last_stream_message(
  stream_name varchar,
  "type" varchar DEFAULT NULL
)
RETURNS SETOF @extschema@.message
LANGUAGE plpgsql VOLATILE
SET enable_sort = off
SET plan_cache_mode = force_generic_plan
SET jit = off
SET max_parallel_workers_per_gather = 0
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  _listed constant integer := NULL;
  @include last_message_filter@
BEGIN
  IF @extschema@.debugging('message_store.debug_get') THEN
    RAISE NOTICE '» get_last_message';
    RAISE NOTICE 'stream_name ($1): %', $1;
    RAISE NOTICE 'type ($2): %', $2;
    RAISE NOTICE 'Generated Command: %', @extschema@.select_messages(
      _filter, 1, NULL, 'position DESC'
    );
  END IF;

  @include last_message@
END;
$$;
