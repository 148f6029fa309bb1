-- audience: internal
-- The locks of many streams' categories, in the order of their keys: two calls that name the same
-- categories in another order would otherwise wait for each other in a circle.
--
-- Like acquire_lock it has no search_path of its own, which every batch would pay for, so every name
-- and every operator is qualified.
CREATE OR REPLACE FUNCTION @extschema@.acquire_locks(stream_names varchar[])
RETURNS void
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
  _categories pg_catalog.text[] := ARRAY(
    SELECT DISTINCT pg_catalog.split_part(u.name, '-', 1) FROM pg_catalog.unnest($1) AS u (name)
  );
  _category pg_catalog.text;
BEGIN
  -- Nearly every call is for one category.
  IF pg_catalog.cardinality(_categories) OPERATOR(pg_catalog.>) 1 THEN
    _categories := ARRAY(
      SELECT c.name
      FROM pg_catalog.unnest(_categories) AS c (name)
      ORDER BY @extschema@.hash_64(c.name::varchar)
    );
  END IF;
  FOREACH _category IN ARRAY _categories
  LOOP
    PERFORM @extschema@.acquire_lock(_category);
  END LOOP;
END;
$$;
