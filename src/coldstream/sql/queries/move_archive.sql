-- The ranges of an archive that was copied are read in their new place.
WITH moved AS (
  UPDATE @extschema@.chunks SET archive_url = %s::text WHERE archive_url = %s::text
)
UPDATE @extschema@.store SET archive_epoch = archive_epoch + 1
