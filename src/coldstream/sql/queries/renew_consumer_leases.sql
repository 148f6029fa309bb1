SELECT member, size, position, token, keep
FROM @extschema@.renew_consumer_leases(%s, %s, %s, %s)
