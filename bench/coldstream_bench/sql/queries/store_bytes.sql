-- Everything a store occupies in the database: its chunks in whatever form, with indexes and what is
-- stored out of line, the heads, the ledger and every other table of its schema.
SELECT (
  SELECT coalesce(sum(pg_total_relation_size(c.oid)), 0)
  FROM pg_class AS c
  WHERE c.relnamespace = '@store@'::regnamespace AND c.relkind = 'r' AND c.relname <> 'messages'
)::bigint,
@timescaledb@.hypertable_size('@store@.messages')
