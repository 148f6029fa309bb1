-- audience: part
-- The filter of a read over global positions, from its arguments, which it checks as Message DB does
-- and in Message DB's order. Parameters of the statement: $1 category, $2 first and $4 last global
-- position, $3 batch size, $5 correlation, $6 consumer group member, $7 consumer group size.
CREATE OR REPLACE FUNCTION @extschema@.category_filter(
  category varchar,
  correlation varchar,
  consumer_group_member bigint,
  consumer_group_size bigint
)
RETURNS text
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  -- The bucket is a function of the position; naming it lets the columnstore skip batches.
  _filter text := 'm.global_position OPERATOR(pg_catalog.>=) $2
    AND m.global_position OPERATOR(pg_catalog.<=) $4
    AND m.position_bucket OPERATOR(pg_catalog.>=) ($2 OPERATOR(pg_catalog.>>) 14)
    AND m.position_bucket OPERATOR(pg_catalog.<=) ($4 OPERATOR(pg_catalog.>>) 14)';
BEGIN
  IF $1 IS NOT NULL THEN
    _filter := 'm.stream_category OPERATOR(pg_catalog.=) $1 AND ' || _filter;
  END IF;

  IF $2 IS NOT NULL THEN
    IF pg_catalog.strpos($2, '-') > 0 THEN
      RAISE EXCEPTION 'Correlation must be a category (Correlation: %)', $2;
    END IF;
    _filter := _filter || '
    AND m.correlation_category OPERATOR(pg_catalog.=) $5';
  END IF;

  IF ($3 IS NULL) <> ($4 IS NULL) THEN
    RAISE EXCEPTION 'Consumer group member and size must be specified '
      '(Consumer Group Member: %, Consumer Group Size: %)', $3, $4;
  ELSIF $4 < 1 THEN
    RAISE EXCEPTION 'Consumer group size must not be less than 1 '
      '(Consumer Group Member: %, Consumer Group Size: %)', $3, $4;
  ELSIF $3 < 0 THEN
    RAISE EXCEPTION 'Consumer group member must not be less than 0 '
      '(Consumer Group Member: %, Consumer Group Size: %)', $3, $4;
  ELSIF $3 >= $4 THEN
    RAISE EXCEPTION 'Consumer group member must be less than the group size '
      '(Consumer Group Member: %, Consumer Group Size: %)', $3, $4;
  ELSIF $3 IS NOT NULL THEN
    _filter := _filter || '
    AND pg_catalog.mod(
      OPERATOR(pg_catalog.@) @extschema@.hash_64(@extschema@.cardinal_id(m.stream_name)), $7
    ) OPERATOR(pg_catalog.=) $6';
  END IF;

  RETURN _filter;
END;
$$;
