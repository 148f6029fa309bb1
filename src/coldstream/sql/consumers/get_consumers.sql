-- audience: application
-- Every consumer of the store, a row for each member: what it reads, where it is, how far that is from
-- the last message (see consumer_lag), who works for it, how many wait to, and how many messages it went
-- past without having handled them.
--
-- A stream without an id falls to no member of a group, as in Message DB. Its messages are counted in the
-- lag of the first member for as long as they are there: nobody will handle them.
CREATE OR REPLACE FUNCTION @extschema@.get_consumers()
RETURNS TABLE (
  consumer text,
  member integer,
  size integer,
  source text,
  "position" bigint,
  lag_messages bigint,
  lag_seconds double precision,
  owner text,
  address inet,
  lease_until timestamptz,
  waiting bigint,
  is_paused boolean,
  failures bigint,
  recorded_at timestamptz
)
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
  RETURN QUERY
  SELECT c.consumer, c.member, c.size, c.source, c.position,
    l.messages + coalesce(w.position + 1, 0),
    greatest(
      pg_catalog.date_part('epoch', pg_catalog.clock_timestamp() - least(l.oldest, w.first_time)), 0
    ),
    CASE WHEN c.lease_until >= pg_catalog.clock_timestamp() THEN c.owner END,
    CASE WHEN c.lease_until >= pg_catalog.clock_timestamp() THEN o.address END,
    CASE WHEN c.lease_until >= pg_catalog.clock_timestamp() THEN c.lease_until END,
    (
      SELECT count(*) FROM @extschema@.consumer_owners AS w
      WHERE w.consumer = c.consumer AND w.expires_at >= pg_catalog.clock_timestamp()
        AND coalesce(w.member, c.member) = c.member
        AND NOT EXISTS (
          SELECT FROM @extschema@.consumers AS h WHERE h.consumer = c.consumer AND h.owner = w.owner
        )
    ),
    c.is_paused,
    (
      SELECT count(*) FROM @extschema@.consumer_failures AS f
      WHERE f.consumer = c.consumer AND f.member = c.member
    ),
    c.recorded_at
  FROM @extschema@.consumers AS c
  LEFT JOIN @extschema@.consumer_owners AS o ON o.consumer = c.consumer AND o.owner = c.owner
  CROSS JOIN LATERAL @extschema@.consumer_lag(c.source, c.position, c.size) AS l
  LEFT JOIN @extschema@.streams AS w
    ON c.size > 1 AND c.member = 0
    AND pg_catalog.md5(w.stream_name)::uuid = pg_catalog.md5(c.source)::uuid AND w.stream_name = c.source
  ORDER BY 1, 2;
END;
$$;
