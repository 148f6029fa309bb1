-- What bench/profiles/write_profile.py measures write_message against. @store@, @plain@: schemas of the run.

-- The store's table without TimescaleDB: same columns, same indexes, same trigger's sign.
CREATE TABLE @store@.bare_messages (LIKE @store@.messages INCLUDING DEFAULTS INCLUDING GENERATED);
CREATE INDEX ON @store@.bare_messages (stream_name, position);
CREATE INDEX ON @store@.bare_messages (stream_category, global_position);
CREATE INDEX ON @store@.bare_messages (global_position);

-- A store's INSERT and nothing else, into the hypertable and into the table above.
CREATE FUNCTION @store@.insert_hypertable(
  id varchar, stream_name varchar, type varchar, data jsonb, metadata jsonb
)
RETURNS void LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  _global_position bigint := nextval('@store@.messages_global_position_seq');
BEGIN
  INSERT INTO @store@.messages
    (global_position, position, time, stream_name, type, data, metadata, id, position_bucket,
    correlation_category)
  VALUES (
    _global_position, 0, clock_timestamp(), $2, $3, to_json($4), to_json($5), $1::uuid,
    _global_position >> 14,
    coalesce(split_part($5 ->> 'correlationStreamName', '-', 1), '-')
  );
END;
$$;

CREATE FUNCTION @store@.insert_table(
  id varchar, stream_name varchar, type varchar, data jsonb, metadata jsonb
)
RETURNS void LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  _global_position bigint := nextval('@store@.messages_global_position_seq');
BEGIN
  INSERT INTO @store@.bare_messages
    (global_position, position, time, stream_name, type, data, metadata, id, position_bucket,
    correlation_category)
  VALUES (
    _global_position, 0, clock_timestamp(), $2, $3, to_json($4), to_json($5), $1::uuid,
    _global_position >> 14,
    coalesce(split_part($5 ->> 'correlationStreamName', '-', 1), '-')
  );
END;
$$;

-- What a batch costs before and without a store: its arrays alone, and its INSERT alone.
CREATE FUNCTION @store@.take_arrays(
  ids varchar[], stream_names varchar[], types varchar[], data jsonb[], metadata jsonb[],
  expected_versions jsonb
)
RETURNS bigint LANGUAGE plpgsql VOLATILE AS $$
BEGIN
  RETURN (SELECT count(*) FROM unnest($1::uuid[], $2, $3, $4, $5));
END;
$$;

CREATE FUNCTION @store@.insert_many_table(
  ids varchar[], stream_names varchar[], types varchar[], data jsonb[], metadata jsonb[],
  expected_versions jsonb
)
RETURNS void LANGUAGE plpgsql VOLATILE AS $$
BEGIN
  INSERT INTO @store@.bare_messages
    (global_position, position, time, stream_name, type, data, metadata, id, position_bucket,
    correlation_category)
  SELECT nextval('@store@.messages_global_position_seq'), 0, clock_timestamp(),
    u.stream_name, u.type, to_json(u.data), to_json(u.metadata), u.id,
    0, coalesce(split_part(u.metadata ->> 'correlationStreamName', '-', 1), '-')
  FROM (
    SELECT unnest($1::uuid[]) AS id, unnest($2) AS stream_name, unnest($3) AS type,
      unnest($4) AS data, unnest($5) AS metadata
  ) AS u;
END;
$$;

CREATE FUNCTION @store@.insert_many_hypertable(
  ids varchar[], stream_names varchar[], types varchar[], data jsonb[], metadata jsonb[],
  expected_versions jsonb
)
RETURNS void LANGUAGE plpgsql VOLATILE AS $$
BEGIN
  INSERT INTO @store@.messages
    (global_position, position, time, stream_name, type, data, metadata, id, position_bucket,
    correlation_category)
  SELECT nextval('@store@.messages_global_position_seq'), 0, clock_timestamp(),
    u.stream_name, u.type, to_json(u.data), to_json(u.metadata), u.id,
    0, coalesce(split_part(u.metadata ->> 'correlationStreamName', '-', 1), '-')
  FROM (
    SELECT unnest($1::uuid[]) AS id, unnest($2) AS stream_name, unnest($3) AS type,
      unnest($4) AS data, unnest($5) AS metadata
  ) AS u;
END;
$$;
