-- The hypertable without heads, its chunks in whatever form, with all indexes.
SELECT @timescaledb@.hypertable_size('@seed@.messages')
