INSERT INTO @extschema@.migrations (name, checksum, software_version) VALUES (@values@);
