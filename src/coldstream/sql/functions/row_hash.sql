-- SHA-256 of one message in canonical form: numbers and lengths in decimal, joined by spaces, a line
-- feed, then the texts. The lengths make the joining unambiguous; '-' is the length of a NULL. The
-- archive computes the same from its files, so that the two can be compared. JSON comes as text: to
-- make it is most of the cost, and as jsonb it would be made for its length and once more for itself.
CREATE OR REPLACE FUNCTION @extschema@.row_hash(
  global_position bigint,
  "position" bigint,
  "time" timestamptz,
  id uuid,
  stream_name text,
  "type" text,
  data text,
  metadata text
)
RETURNS bytea
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
  SELECT pg_catalog.sha256(pg_catalog.convert_to(
    $1 || ' ' || $2 || ' ' || (extract(epoch FROM $3) * 1000000)::bigint || ' ' || $4 || ' '
      || pg_catalog.length($5) || ' ' || pg_catalog.length($6) || ' '
      || coalesce(pg_catalog.length($7)::text, '-') || ' '
      || coalesce(pg_catalog.length($8)::text, '-') || E'\n'
      || $5 || $6 || coalesce($7, '') || coalesce($8, ''),
    'UTF8'
  ))
$$;
