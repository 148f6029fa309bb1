-- audience: part; needs timescale
-- What the archive server has of a category (NULL: of all) from a global position on: the messages of the first
-- few chunks that have left, row_limit of them at most and none after last_position. next: where the first chunk
-- begins that was not looked into, NULL where all were. gone_from: where the first range begins that was dropped
-- by force, which starts at gone_start; nothing is given from there on. See archived_part_of_stream.
CREATE OR REPLACE FUNCTION @extschema@.archived_part_of_category(
  category text,
  "position" bigint,
  last_position bigint,
  max_chunks bigint,
  row_limit bigint,
  correlation text,
  consumer_group_member bigint,
  consumer_group_size bigint,
  OUT epoch bigint,
  OUT next bigint,
  OUT gone_from bigint,
  OUT gone_start timestamptz,
  OUT messages @extschema@.message[]
)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  _listed constant jsonb := @extschema@.archived_chunks($1, $2, $4)::jsonb;
  _last bigint;
BEGIN
  epoch := (_listed ->> 'epoch')::bigint;
  next := (_listed ->> 'next')::bigint;
  SELECT (f.file ->> 0)::timestamptz, (f.file ->> 10)::bigint INTO gone_start, gone_from
  FROM pg_catalog.jsonb_array_elements(nullif(_listed -> 'files', 'null')) AS f (file)
  WHERE f.file ->> 4 IS NULL AND f.file ->> 0 IS NOT NULL
  ORDER BY 2
  LIMIT 1;
  next := least(next, gone_from);
  messages := '{}';
  _last := least($3, next - 1);
  IF @extschema@.has_files(_listed) AND _last >= $2 THEN
    messages := @extschema@.ask_archive_server(
      pg_catalog.jsonb_build_object(
        'kind', 'category', 'files', _listed -> 'files', 'epoch', epoch, 'category', $1,
        'position', greatest($2, 0), 'last', _last, 'limit', $5, 'correlation', $6,
        'consumer_group_member', $7, 'consumer_group_size', $8
      ),
      false
    );
  END IF;
END;
$$;
