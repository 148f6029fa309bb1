-- SHA-256 of one message in canonical form: numbers and lengths in decimal, joined by spaces, a line
-- feed, then the texts. The lengths make the joining unambiguous; '-' is the length of a NULL. The
-- archive computes the same from its files, so that the two can be compared.
CREATE OR REPLACE FUNCTION @extschema@.row_hash(m @extschema@.messages)
RETURNS bytea
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
  SELECT pg_catalog.sha256(pg_catalog.convert_to(
    m.global_position || ' ' || m.position || ' '
      || (extract(epoch FROM m.time) * 1000000)::bigint || ' '
      || m.id || ' '
      || pg_catalog.length(m.stream_name) || ' ' || pg_catalog.length(m.type) || ' '
      || coalesce(pg_catalog.length(m.data::text)::text, '-') || ' '
      || coalesce(pg_catalog.length(m.metadata::text)::text, '-') || E'\n'
      || m.stream_name || m.type
      || coalesce(m.data::text, '') || coalesce(m.metadata::text, ''),
    'UTF8'
  ))
$$;
