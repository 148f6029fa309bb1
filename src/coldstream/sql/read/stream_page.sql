-- audience: part
-- For clients that read the archive themselves: get_stream_messages, with a last row where history that has
-- left the database is in its way. That one has no id; its data is what the ledger lists (see
-- archived_chunks_of_stream), of this many chunks. What is before it is the page up to there, and may go on after
-- a hole, which its reader sees by the positions.
--
-- A part of its own, and not a call of get_stream_messages or one by it: each row would be put down twice.
CREATE OR REPLACE FUNCTION @extschema@.stream_page(
  stream_name varchar,
  "position" bigint,
  batch_size bigint,
  listed integer
)
RETURNS SETOF @extschema@.message
LANGUAGE plpgsql VOLATILE
SET enable_sort = off
SET plan_cache_mode = force_generic_plan
SET jit = off
SET max_parallel_workers_per_gather = 0
AS $$
DECLARE
  _condition constant varchar := NULL;
  _listed constant integer := $4;
  @include stream_filter@
BEGIN
  @include stream_page@
END;
$$;
