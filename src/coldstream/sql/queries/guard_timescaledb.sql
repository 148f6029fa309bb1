SELECT g.done, g.warning FROM @extschema@.guard_timescaledb() AS g;
