-- audience: part
-- Whether a part of another store was loaded into this one, or of this one into another: the token of the
-- rows (store), or that of the sequences, is not the one of the schema.
--
-- Part of what reads ask: planning puts its text in the place of the call, so every name is qualified.
CREATE OR REPLACE FUNCTION @extschema@.is_mixed(token bigint)
RETURNS boolean
LANGUAGE sql VOLATILE
AS $$
  SELECT $1 OPERATOR(pg_catalog.<>) @extschema@.store_token() OR (
    pg_catalog.pg_sequence_last_value('@extschema@.closed_before'::pg_catalog.regclass)
      OPERATOR(pg_catalog.#) @extschema@.store_token()
  ) OPERATOR(pg_catalog.>>) 40 OPERATOR(pg_catalog.<>) 0
$$;
