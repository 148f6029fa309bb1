-- The approach that tests/integration/test_traps*.py guard against: a hypertable by time, an advisory
-- lock and max(position), unique indexes that contain the time, and functions in SQL.
CREATE SCHEMA {schema};

CREATE TABLE {schema}.messages (
  global_position bigserial NOT NULL,
  position bigint NOT NULL,
  time timestamptz NOT NULL DEFAULT clock_timestamp(),
  stream_name text NOT NULL,
  type text NOT NULL,
  data jsonb,
  metadata jsonb,
  id uuid NOT NULL DEFAULT gen_random_uuid()
);

SELECT public.create_hypertable('{schema}.messages', public.by_range('time', INTERVAL '7 days'));

CREATE UNIQUE INDEX ON {schema}.messages (stream_name, position, time);
CREATE UNIQUE INDEX ON {schema}.messages (id, time);

CREATE FUNCTION {schema}.category(stream_name varchar) RETURNS varchar LANGUAGE sql IMMUTABLE AS $$
  SELECT split_part(stream_name, '-', 1)
$$;

CREATE FUNCTION {schema}.hash_64(value varchar) RETURNS bigint LANGUAGE sql IMMUTABLE AS $$
  SELECT left('x' || md5(value), 17)::bit(64)::bigint
$$;

CREATE FUNCTION {schema}.stream_version(_stream_name varchar) RETURNS bigint LANGUAGE sql AS $$
  SELECT max(position) FROM {schema}.messages WHERE stream_name = _stream_name
$$;

CREATE FUNCTION {schema}.write_message(
  _id varchar, _stream_name varchar, _type varchar, _expected_version bigint DEFAULT NULL
)
RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
  _version bigint;
BEGIN
  PERFORM pg_advisory_xact_lock({schema}.hash_64({schema}.category(_stream_name)));

  _version := coalesce({schema}.stream_version(_stream_name), -1);
  IF _expected_version IS NOT NULL AND _expected_version <> _version THEN
    RAISE EXCEPTION 'Wrong expected version: % (Stream: %, Stream Version: %)',
      _expected_version, _stream_name, _version;
  END IF;

  INSERT INTO {schema}.messages (id, stream_name, position, type)
  VALUES (_id::uuid, _stream_name, _version + 1, _type);
  RETURN _version + 1;
END;
$$;
