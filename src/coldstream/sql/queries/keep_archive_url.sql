-- From the first export on: nobody archives to another place by mistake.
UPDATE @extschema@.store SET archive_url = %s::text WHERE archive_url IS NULL
