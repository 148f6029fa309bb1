"""What operators do, right and wrong, at random, against a plain model of what must survive it.

Backups and restores, copies, points in time, settings, roles, chunks changed by hand, verbs that
are killed: over several databases of one archive. Nothing acknowledged may become unreachable, no
position may be given twice in one history, no manifest may be replaced by one that knows less, and
nothing may be shorter without an error.

``python -m proof.operator --sequences 200 --seed 1``

It starts PostgreSQL with TimescaleDB by itself, on loopback, and stops it.
"""
