-- Before it is committed: a run that is killed in between knows its own.
UPDATE @extschema@.chunks SET seen_manifest = %s::text, seen_digest = %s::text WHERE range_start = %s
