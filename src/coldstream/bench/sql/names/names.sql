-- Stream names and their hash, as Message DB's documentation defines them. In SQL, so that the
-- planner puts them in place of their calls: PostgreSQL at its best.
CREATE TYPE @extschema@.message AS (
  id varchar,
  stream_name varchar,
  type varchar,
  position bigint,
  global_position bigint,
  data varchar,
  metadata varchar,
  time timestamp
);

CREATE FUNCTION @extschema@.category(stream_name varchar)
RETURNS varchar LANGUAGE sql IMMUTABLE
AS $$
  SELECT split_part($1, '-', 1)
$$;

CREATE FUNCTION @extschema@.is_category(stream_name varchar)
RETURNS boolean LANGUAGE sql IMMUTABLE
AS $$
  SELECT strpos($1, '-') = 0
$$;

CREATE FUNCTION @extschema@.cardinal_id(stream_name varchar)
RETURNS varchar LANGUAGE sql IMMUTABLE
AS $$
  SELECT nullif(split_part(substr($1, nullif(strpos($1, '-'), 0) + 1), '+', 1), '')
$$;

CREATE FUNCTION @extschema@.hash_64(value varchar)
RETURNS bigint LANGUAGE sql IMMUTABLE
AS $$
  SELECT ('x' || left(md5($1), 16))::bit(64)::bigint
$$;
