SELECT pg_catalog.set_config('coldstream.seconds', %s, true)
