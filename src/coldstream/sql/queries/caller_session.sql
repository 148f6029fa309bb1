-- The session as the caller's DSN, role and database have it, whatever was set in it since.
RESET SESSION AUTHORIZATION; RESET ALL
