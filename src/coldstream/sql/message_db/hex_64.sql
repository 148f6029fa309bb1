-- audience: part
-- A number modulo 2^64, as 16 hexadecimal digits.
CREATE OR REPLACE FUNCTION @extschema@.hex_64(value numeric)
RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
  SELECT pg_catalog.lpad(
    pg_catalog.to_hex(
      (CASE
        WHEN m OPERATOR(pg_catalog.>=) 9223372036854775808
          THEN m OPERATOR(pg_catalog.-) 18446744073709551616
        ELSE m
      END)::bigint
    ),
    16, '0'
  )
  FROM (
    SELECT pg_catalog.mod(
      pg_catalog.mod($1, 18446744073709551616) OPERATOR(pg_catalog.+) 18446744073709551616,
      18446744073709551616
    )
  ) AS v (m)
$$;
