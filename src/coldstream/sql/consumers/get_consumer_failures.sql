-- audience: application
-- What a consumer went past without having handled it, the newest first; NULL: of every consumer.
CREATE OR REPLACE FUNCTION @extschema@.get_consumer_failures(
  consumer text DEFAULT NULL,
  batch_size bigint DEFAULT 1000
)
RETURNS SETOF @extschema@.consumer_failures
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
  SELECT f.* FROM @extschema@.consumer_failures AS f
  WHERE $1 IS NULL OR f.consumer = $1
  ORDER BY f.id DESC LIMIT $2
$$;
