-- audience: part; needs timescale
-- What the archive server has of a stream from a position on: the messages of the first few chunks that have
-- left, row_limit of them at most. What the ledger says of these chunks is of the same moment (see
-- archived_chunks_of_stream); gone are ranges that were dropped by force.
--
-- With the owner's rights, who alone may connect to the server; so the list of files is made here, and is
-- none of the caller's.
CREATE OR REPLACE FUNCTION @extschema@.archived_part_of_stream(
  stream_name text,
  "position" bigint,
  max_chunks bigint,
  row_limit bigint,
  OUT epoch bigint,
  OUT is_more boolean,
  OUT in_order boolean,
  OUT gone tstzrange[],
  OUT messages @extschema@.message[]
)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  _listed constant jsonb := @extschema@.archived_chunks_of_stream($1, $2, $3)::jsonb;
BEGIN
  epoch := (_listed ->> 'epoch')::bigint;
  is_more := _listed ->> 'next' IS NOT NULL;
  in_order := coalesce((_listed ->> 'in_order')::boolean, true);
  gone := @extschema@.gone_ranges(_listed);
  messages := '{}';
  IF @extschema@.has_files(_listed) THEN
    messages := @extschema@.ask_archive_server(
      pg_catalog.jsonb_build_object(
        'kind', 'stream', 'files', _listed -> 'files', 'stream_name', $1,
        'position', greatest($2, 0), 'limit', $4, 'in_order', in_order
      ),
      true
    );
  END IF;
END;
$$;
