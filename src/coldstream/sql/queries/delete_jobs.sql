-- The store's jobs, so that nothing happens in it but what is asked for; an install makes them again.
DO $$
DECLARE
  _timescaledb text := (
    SELECT n.nspname FROM pg_catalog.pg_extension AS e
    JOIN pg_catalog.pg_namespace AS n ON n.oid = e.extnamespace
    WHERE e.extname = 'timescaledb'
  );
  _job integer;
BEGIN
  FOR _job IN
    SELECT j.job_id FROM timescaledb_information.jobs AS j
    WHERE '@extschema_name@' IN (j.hypertable_schema, j.proc_schema)
  LOOP
    EXECUTE pg_catalog.format('SELECT %I.delete_job(%s)', _timescaledb, _job);
  END LOOP;
END;
$$
