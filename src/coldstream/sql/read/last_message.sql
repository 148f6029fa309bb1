-- audience: part
-- For clients that read the archive themselves: get_last_stream_message, with a row as stream_page has where
-- the message may have left the database. Its position is the stream's version, and what the ledger lists is
-- from there on.
CREATE OR REPLACE FUNCTION @extschema@.last_message(
  stream_name varchar,
  "type" varchar,
  listed integer
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
  _listed constant integer := $3;
  @include last_message_filter@
BEGIN
  @include last_message@
END;
$$;
