SELECT pg_catalog.to_regprocedure('@extschema@.replaced_functions()') IS NOT NULL
