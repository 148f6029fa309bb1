SELECT name, checksum FROM @extschema@.migrations ORDER BY name
