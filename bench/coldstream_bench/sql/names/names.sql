-- Stream names and their hash, as Message DB's documentation defines them. In PL/pgSQL, as Message
-- DB's are: what an index entry and a filtered row cost there depends on it.
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
RETURNS varchar LANGUAGE plpgsql IMMUTABLE
AS $$
BEGIN
  RETURN split_part($1, '-', 1);
END;
$$;

CREATE FUNCTION @extschema@.is_category(stream_name varchar)
RETURNS boolean LANGUAGE plpgsql IMMUTABLE
AS $$
BEGIN
  RETURN strpos($1, '-') = 0;
END;
$$;

CREATE FUNCTION @extschema@.cardinal_id(stream_name varchar)
RETURNS varchar LANGUAGE plpgsql IMMUTABLE
AS $$
BEGIN
  RETURN nullif(split_part(substr($1, nullif(strpos($1, '-'), 0) + 1), '+', 1), '');
END;
$$;

CREATE FUNCTION @extschema@.hash_64(value varchar)
RETURNS bigint LANGUAGE plpgsql IMMUTABLE
AS $$
BEGIN
  RETURN ('x' || left(md5($1), 16))::bit(64)::bigint;
END;
$$;
