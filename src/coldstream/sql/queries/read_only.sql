-- For a dry run: a function that would change something fails, whatever it is.
SET TRANSACTION ISOLATION LEVEL READ COMMITTED, READ ONLY
