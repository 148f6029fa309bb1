"""Messages in files, out of the store and into it: NDJSON, EventoDB's NDJSON, Parquet."""
