-- The files of each archived range: one, or several where a chunk is large. Until now the ledger knew one.

CREATE TABLE @extschema@.archive_files (
  range_start timestamptz NOT NULL REFERENCES @extschema@.chunks ON DELETE CASCADE,
  -- In the archive's order, by stream name: from 1.
  number integer NOT NULL CHECK (number > 0),
  object text NOT NULL,
  bytes bigint NOT NULL,
  sha256 text NOT NULL,
  footer_bytes bigint,
  footer_sha256 text,
  messages bigint NOT NULL,
  -- The least and the greatest in it, so that a read of one stream opens no file without it. In the
  -- order of the file, and NULL where that is not known: then any stream may be in it.
  first_stream_name text COLLATE "C",
  last_stream_name text COLLATE "C",
  first_global_position bigint,
  last_global_position bigint,
  PRIMARY KEY (range_start, number)
);

INSERT INTO @extschema@.archive_files
  (range_start, number, object, bytes, sha256, footer_bytes, footer_sha256, messages,
   first_global_position, last_global_position)
SELECT range_start, 1, archive_object, archive_bytes, archive_sha256, archive_footer_bytes,
  archive_footer_sha256, messages, first_global_position, last_global_position
FROM @extschema@.chunks
WHERE archive_object IS NOT NULL;

-- archive_object stays as the first file's, and archive_bytes as those of all of them.
ALTER TABLE @extschema@.chunks
  DROP COLUMN archive_sha256,
  DROP COLUMN archive_footer_bytes,
  DROP COLUMN archive_footer_sha256,
  ADD COLUMN archive_files integer;
UPDATE @extschema@.chunks SET archive_files = 1 WHERE archive_object IS NOT NULL;

-- It gives one column more, and no function can be replaced by one with other columns.
DROP FUNCTION IF EXISTS @extschema@.get_chunks();
