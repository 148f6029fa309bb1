SELECT pg_catalog.set_config(%s, %s, false)
