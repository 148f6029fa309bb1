-- audience: part
-- Where the chunks begin that a kept plan holds: the last five intervals.
--
-- IMMUTABLE on purpose, though it looks at the clock and at the store: planning puts its value into the plan.
-- So the plan holds these few chunks and no other, at any number of chunks, and calls need not plan. An older
-- plan holds older chunks too, and TimescaleDB has another made when a chunk is made or changes its form.
--
-- The value that a plan has may still be another than the one of now (the interval was changed). So a statement
-- with it must say that what it looks for is not earlier, and then gives nothing; and its caller must know how
-- many messages there are.
CREATE OR REPLACE FUNCTION @extschema@.recent_from()
RETURNS timestamptz
LANGUAGE plpgsql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  RETURN (SELECT pg_catalog.now() - 5 * s.chunk_interval FROM @extschema@.store AS s);
END;
$$;
