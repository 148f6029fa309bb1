-- A category's messages in the order of global positions, with correlation and consumer group.
CREATE FUNCTION @extschema@.get_category_messages(
  category varchar,
  "position" bigint DEFAULT 1,
  batch_size bigint DEFAULT 1000,
  correlation varchar DEFAULT NULL,
  consumer_group_member bigint DEFAULT NULL,
  consumer_group_size bigint DEFAULT NULL,
  condition varchar DEFAULT NULL
)
RETURNS SETOF @extschema@.message LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
  _statement text := '
    SELECT m.id::varchar, m.stream_name::varchar, m.type::varchar, m.position, m.global_position,
      m.data::varchar, m.metadata::varchar, m.time
    FROM @extschema@.messages AS m
    WHERE @extschema@.category(m.stream_name::varchar) = $1 AND m.global_position >= $2';
BEGIN
  IF NOT @extschema@.is_category($1) THEN
    RAISE EXCEPTION 'Must be a category: %', $1;
  END IF;

  IF $4 IS NOT NULL THEN
    _statement := _statement
      || ' AND @extschema@.category(m.metadata ->> ''correlationStreamName'') = $4';
  END IF;
  IF $6 IS NOT NULL THEN
    _statement := _statement
      || ' AND mod(@ @extschema@.hash_64(@extschema@.cardinal_id(m.stream_name::varchar)), $6) = $5';
  END IF;
  IF $7 IS NOT NULL THEN
    _statement := _statement || format(' AND (%s)', $7);
  END IF;
  _statement := _statement || ' ORDER BY m.global_position ASC';
  IF $3 <> -1 THEN
    _statement := _statement || ' LIMIT $3';
  END IF;

  RETURN QUERY EXECUTE _statement USING $1, $2, $3, $4, $5, $6;
END;
$$;
