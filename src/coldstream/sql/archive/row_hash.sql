-- audience: part
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
    $1 OPERATOR(pg_catalog.||) ' ' OPERATOR(pg_catalog.||) $2 OPERATOR(pg_catalog.||) ' ' OPERATOR(pg_catalog.||) (extract(epoch FROM $3) OPERATOR(pg_catalog.*) 1000000)::bigint OPERATOR(pg_catalog.||) ' ' OPERATOR(pg_catalog.||) $4 OPERATOR(pg_catalog.||) ' '
      OPERATOR(pg_catalog.||) pg_catalog.length($5) OPERATOR(pg_catalog.||) ' ' OPERATOR(pg_catalog.||) pg_catalog.length($6) OPERATOR(pg_catalog.||) ' '
      OPERATOR(pg_catalog.||) coalesce(pg_catalog.length($7)::pg_catalog.text, '-') OPERATOR(pg_catalog.||) ' '
      OPERATOR(pg_catalog.||) coalesce(pg_catalog.length($8)::pg_catalog.text, '-') OPERATOR(pg_catalog.||) E'\n'
      OPERATOR(pg_catalog.||) $5 OPERATOR(pg_catalog.||) $6 OPERATOR(pg_catalog.||) coalesce($7, '') OPERATOR(pg_catalog.||) coalesce($8, ''),
    'UTF8'
  ))
$$;
