-- For the session: a lifecycle looks at what is there now, under its locks.
SET default_transaction_isolation = 'read committed'
