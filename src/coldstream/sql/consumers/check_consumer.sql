-- audience: internal
-- An error where a consumer cannot be of this name, read this, or have this many members. The limits: what
-- shows the consumers looks at each member, and names are keys of an index.
CREATE OR REPLACE FUNCTION @extschema@.check_consumer(consumer text, source text, size integer)
RETURNS void
LANGUAGE plpgsql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  IF coalesce($1, '') = '' OR $2 IS NULL THEN
    RAISE EXCEPTION 'A consumer needs a name, and what it reads'
      USING ERRCODE = 'CS010', HINT = 'It reads a category or a stream; an empty source is everything.';
  ELSIF octet_length($1) > 2600 OR octet_length($2) > 2600 THEN
    RAISE EXCEPTION 'The name of a consumer, and of what it reads, may have 2600 bytes: % and %',
      octet_length($1), octet_length($2)
      USING ERRCODE = 'CS010', HINT = 'Choose a shorter name.';
  ELSIF $3 IS NULL OR $3 < 1 OR $3 > 1024 THEN
    RAISE EXCEPTION 'A consumer has 1 to 1024 members, not %', coalesce($3::text, 'none')
      USING
        ERRCODE = 'CS010',
        HINT = 'A member takes any number of streams: there need be no more of them than processes.';
  ELSIF $3 > 1 AND ($2 = '' OR strpos($2, '-') > 0) THEN
    RAISE EXCEPTION 'Only the streams of a category can be divided among members '
      '(Consumer: %, Source: %, Size: %)', $1, $2, $3
      USING ERRCODE = 'CS010', HINT = 'Name a category, or leave the size out.';
  END IF;
END;
$$;
